"""Screens that only say they are there, for a picture of `/walls` on which every state is seen.

The page that is pictured sends their heartbeats as screens do, and says goodbye for them when it goes, so that no wall
of a demo is missed afterwards.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

STATES = ("dark", "frozen", "late", "hidden", "ok", "closed")
PATIENCE = 240_000  # ms: a screen is dark a minute after it was heard
OWN = "lobby-left"  # the name of the screen that takes the picture
SIZE = {"width": 1920, "height": 1080}


def _screen(number: int, **said: Any) -> dict[str, Any]:
    """One heartbeat. `beats` is whether it is sent again and again; `old` that it has another version."""
    usual = {"kiosk": True, "board": "wall", "query": "", "ratio": 1, "hidden": False, "frame_age_s": 0.6 + number / 7}
    taken = {
        "paint_ms": 9.0 + number,
        "paint_worst_ms": 31.0,
        "heap_mb": 19.5 + number,
        "up_s": 86_400.0 * number + 3_600,
    }
    return {"id": f"picture-of-a-screen-{number}", **usual, **SIZE, **taken, "bye": False, "beats": True, **said}


OTHERS = (
    _screen(1, name="lobby-right", board="event"),
    _screen(2, name="war-room", board="regions", width=3840, height=1080),
    _screen(3, name="warehouse-2", board="goods", query="category=food"),
    _screen(4, name="canteen", beats=False),
    _screen(5, name="studio-a", board="event", query="room=room-01", frame_age_s=95.0),
    _screen(6, name="reception", frame_age_s=21.0, old=True),
    _screen(7, name="meeting-3", hidden=True, board="funnel", width=2560, height=1440),
    _screen(8, name="branch-east", bye=True, beats=False, query="large_region=east"),
    _screen(9, name="", kiosk=False, width=1440, height=900),
)

SEND = """async (others) => {
  const send = ({ beats, old, ...said }) => fetch('/screens/v1/beat', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...said, build: old ? 'before' : livewall.config.build }),
  });
  for (const screen of others) await send({ ...screen, bye: false });
  for (const screen of others.filter((one) => one.bye)) await send(screen);
  setInterval(() => others.filter((one) => one.beats).forEach(send), 8000);
  window.addEventListener('pagehide', () => others.forEach(({ beats, old, ...said }) => navigator.sendBeacon(
    '/screens/v1/beat', new Blob([JSON.stringify({ ...said, bye: true })], { type: 'application/json' }))));
}"""
SEEN = """([states, own]) => {
  const rows = [...document.querySelectorAll('[data-board="walls"] .screen-row[data-state]')];
  const mine = rows.find((row) => row.querySelector('.screen-title').textContent === own);
  const shown = new Set(rows.map((row) => row.dataset.state));
  return mine && mine.dataset.state === 'ok' && states.every((state) => shown.has(state));
}"""


def send(page: Page) -> None:
    """Have the page speak for the others until it is left."""
    page.evaluate(SEND, list(OTHERS))


def gather(page: Page) -> None:
    """Fill the list of screens on a page that shows `/walls` and is called OWN; back when every state is seen."""
    send(page)
    page.wait_for_function(SEEN, arg=[list(STATES), OWN], timeout=PATIENCE)
