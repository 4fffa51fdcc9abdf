"""Knows every screen: when it was last heard, how it is, and what it has been told to do."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.clock import Clock
from core.errors import BadRequestError, UnknownNameError
from live.screen_book import Book
from live.screen_report import Command, Order, Report, Screen
from metrics.screens import WallSign

State = Literal["dark", "frozen", "late", "hidden", "ok", "closed"]
WORST_FIRST: tuple[State, ...] = ("dark", "frozen", "late", "hidden", "ok", "closed")

LATE_S = 25.0  # two heartbeats of ten seconds, give or take, have not come
DARK_S = 60.0
DARK_HIDDEN_S = 180.0  # browsers let a hidden page run once a minute
AGED_S, FROZEN_S = 15.0, 30.0  # age of the picture on a screen that is heard

FORGET_CLOSED_WALL = timedelta(days=1)
FORGET_VIEWER = timedelta(minutes=3)
MAKES_WAY = timedelta(days=1)  # a wall that is not heard so long, when there is room for no other
TAKES_OVER = timedelta(minutes=5)  # from its first heartbeat on a screen looks for the one whose name it has
MOST_SCREENS = 1_200
MOST_WALLS = 400  # of them: strangers with made-up names must not crowd out people who look
MOST_NEW_A_MINUTE = 300
MOST_COMMANDS = 8  # of one screen
COMMAND_LIFE = timedelta(minutes=5)
SHOWN_AFTER = timedelta(hours=1)  # how long the desk sees what became of a command
HEAPS, HEAP_EVERY = 60, timedelta(seconds=55)
SAVE_EVERY_S = 20.0


@dataclass(frozen=True, slots=True)
class ScreenView:
    """One screen as it is now. Seconds; None where it was never told. `command` is the newest one.

    `silent_s` is since it was heard, `missed_s` the part of it in which this server was there to hear.
    """

    screen: Screen
    state: State
    silent_s: float
    missed_s: float
    command: Command | None


class Screens:
    """The registry. One for the process; all methods may be called from any thread, and raise BookError when what is
    kept cannot be reached."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book, self._clock, self._lock = book, clock, threading.Lock()
        self._born = clock.now()  # nobody can have been heard by a server that was not there
        self._saved, self._new_since, self._new = clock.monotonic(), clock.monotonic(), 0

    def beat(self, report: Report) -> tuple[Command, ...]:
        """Take a heartbeat; what the screen is to do now. A screen for which there is no room is told nothing."""
        now = self._clock.now()
        with self._lock:
            known = self._book.screen(report.key)
            if known is None and (report.bye or not self._make_room(report, now)):
                return ()
            heard = _heard(known, report, now)
            if report.name and now - heard.first_at < TAKES_OVER:
                self._supersede(heard, now)
            self._book.put_screen(heard)
            self._settle(report, now)
            waiting = () if report.bye else self._hand_over(report.key, now)
            self._save_sometimes()
            return waiting

    def give(self, screen: str, order: Order) -> Command:
        """Tell a screen, by key or by the name of a wall, to do something. Raises UnknownNameError, BadRequestError."""
        now = self._clock.now()
        with self._lock:
            key = self._find(screen)
            kept = self._tidy(key, now)
            for older in kept:
                if _replaces(order, older.order) and older.state(now) == "waiting":
                    self._book.drop_command(key, older.id)
                    kept = tuple(other for other in kept if other is not older)
            if sum(command.state(now) in ("waiting", "sent") for command in kept) >= MOST_COMMANDS:
                raise BadRequestError(f"{MOST_COMMANDS} commands wait for this screen already")
            command = Command(id=secrets.token_hex(6), order=order, given_at=now, expires_at=now + COMMAND_LIFE)
            self._book.put_command(key, command)
            self._book.flush()
            return command

    def forget(self, screen: str) -> None:
        """Take a screen off the list; it comes back when it is heard again. Raises UnknownNameError."""
        with self._lock:
            self._book.drop_screen(self._find(screen))
            self._book.flush()

    def views(self) -> tuple[ScreenView, ...]:
        """Every screen that is remembered: walls before viewers, the worst first, then by name."""
        now = self._clock.now()
        with self._lock:
            self._forget_old(now)
            given = self._book.all_commands()
            views = [self._view(found, given.get(key, ()), now) for key, found in self._book.screens().items()]
        return tuple(sorted(views, key=_rank))

    def walls(self) -> tuple[WallSign, ...]:
        """What alerts judge: screens in kiosk mode or with a name."""
        now = self._clock.now()
        return tuple(_sign(view, now) for view in self.views() if view.screen.is_wall)

    def save(self) -> None:
        """Make what is known outlive this process."""
        with self._lock:
            self._book.flush()

    def _view(self, screen: Screen, given: Sequence[Command], now: datetime) -> ScreenView:
        silent = max(0.0, (now - screen.heard_at).total_seconds())
        missed = max(0.0, (now - max(screen.heard_at, self._born)).total_seconds())
        commands = [command for command in given if now - command.given_at < SHOWN_AFTER]
        return ScreenView(
            screen=screen,
            state=state_of(screen.report, missed),
            silent_s=silent,
            missed_s=missed,
            command=commands[-1] if commands else None,
        )

    def _find(self, screen: str) -> str:
        """The key of a screen named by key or by name."""
        screens = self._book.screens()
        if screen in screens:
            return screen
        named = [key for key, found in screens.items() if found.report.name == screen]
        if len(named) == 1:
            return named[0]
        if named:
            raise BadRequestError(f"{len(named)} screens are called {screen!r}: say which by key ({', '.join(named)})")
        raise UnknownNameError("screen", screen, (s.report.name for s in screens.values() if s.report.name))

    def _make_room(self, report: Report, now: datetime) -> bool:
        """Whether one more screen fits. A wall makes a viewer go, or a wall that has been dark for a day."""
        moment = self._clock.monotonic()
        if moment - self._new_since >= 60:
            self._new_since, self._new = moment, 0
        if self._new >= MOST_NEW_A_MINUTE:
            return False
        self._forget_old(now)
        screens = self._book.screens()
        wall = report.kiosk or bool(report.name)
        if wall and sum(screen.is_wall for screen in screens.values()) >= MOST_WALLS:
            longest = min((s for s in screens.values() if s.is_wall), key=lambda screen: screen.heard_at)
            if now - longest.heard_at < MAKES_WAY:
                return False
            self._book.drop_screen(longest.key)
            screens = self._book.screens()
        if len(screens) >= MOST_SCREENS:
            viewers = [screen for screen in screens.values() if not screen.is_wall]
            if not wall or not viewers:
                return False
            self._book.drop_screen(min(viewers, key=lambda screen: screen.heard_at).key)
        self._new += 1
        return True

    def _supersede(self, screen: Screen, now: datetime) -> None:
        """A wall with a new id (a new box, an emptied profile) takes the place of the one of its name that was last
        heard before it came, as soon as that one misses its heartbeats. Of two that both live neither goes."""
        for key, other in self._book.screens().items():
            if key == screen.key or other.report.name != screen.report.name or other.heard_at > screen.first_at:
                continue
            missed = (now - other.heard_at).total_seconds() > (DARK_HIDDEN_S if other.report.hidden else LATE_S)
            if other.report.bye or missed:
                self._book.drop_screen(key)

    def _settle(self, report: Report, now: datetime) -> None:
        """Note what the screen says it has done."""
        done = {entry.id: entry for entry in report.done}
        if not done:
            return
        for command in self._book.commands(report.key):
            if command.id in done and command.done_at is None:
                change = {"done_at": now, "problem": done[command.id].problem}
                self._book.put_command(report.key, command.model_copy(update=change))

    def _hand_over(self, key: str, now: datetime) -> tuple[Command, ...]:
        """What is not done and not too late; told again until the screen says that it is done."""
        waiting = [command for command in self._tidy(key, now) if command.state(now) in ("waiting", "sent")]
        handed = []
        for command in waiting:
            if command.sent_at is None:
                command = command.model_copy(update={"sent_at": now})
                self._book.put_command(key, command)
            handed.append(command)
        return tuple(handed)

    def _tidy(self, key: str, now: datetime) -> tuple[Command, ...]:
        """The commands of a screen without those of long ago, and at most twice as many as may wait."""
        commands = self._book.commands(key)
        over = [command for command in commands if command.state(now) in ("done", "failed", "expired")]
        old = [command for command in over if now - command.given_at >= SHOWN_AFTER]
        old += [command for command in over[:-MOST_COMMANDS] if command not in old]
        for command in old:
            self._book.drop_command(key, command.id)
        return tuple(command for command in commands if command not in old)

    def _forget_old(self, now: datetime) -> None:
        """Viewers after minutes, closed walls after a day. A dark wall stays until a person says that it is gone."""
        for key, screen in self._book.screens().items():
            kept = FORGET_CLOSED_WALL if screen.is_wall else FORGET_VIEWER
            if now - screen.heard_at >= kept and (screen.report.bye or not screen.is_wall):
                self._book.drop_screen(key)

    def _save_sometimes(self) -> None:
        moment = self._clock.monotonic()
        if moment - self._saved >= SAVE_EVERY_S:
            self._saved = moment
            self._book.flush()


def state_of(report: Report, silent_s: float) -> State:
    """How a screen is that said `report` so many seconds ago."""
    if report.bye:
        return "closed"
    if silent_s > (DARK_HIDDEN_S if report.hidden else DARK_S):
        return "dark"
    if report.hidden:
        return "hidden"
    age = report.frame_age_s or 0.0
    if age > FROZEN_S:
        return "frozen"
    return "late" if silent_s > LATE_S or age > AGED_S else "ok"


def _heard(known: Screen | None, report: Report, now: datetime) -> Screen:
    """The screen after a heartbeat: a reading of its heap about once a minute, from the start of a page's life."""
    kept = report.model_copy(update={"done": ()})
    if known is None:
        known = Screen(key=report.key, report=kept, first_at=now, heard_at=now)
    heaps, heap_at = known.heaps, known.heap_at
    if report.up_s < known.report.up_s:  # reloaded: another heap
        heaps, heap_at = (), None
    if report.heap_mb is not None and (heap_at is None or now - heap_at >= HEAP_EVERY):
        heaps, heap_at = (*heaps, round(report.heap_mb, 1))[-HEAPS:], now
    hidden_at = (known.hidden_at or now) if report.hidden else None
    change = {"report": kept, "heard_at": now, "heaps": heaps, "heap_at": heap_at, "hidden_at": hidden_at}
    return known.model_copy(update=change)


def _replaces(order: Order, older: Order) -> bool:
    """Whether an order makes an older one that waits pointless."""
    talking = {"message", "clear"}
    return order.kind == older.kind or {order.kind, older.kind} <= talking


def _rank(view: ScreenView) -> tuple[bool, int, str, str]:
    return not view.screen.is_wall, WORST_FIRST.index(view.state), view.screen.name, view.screen.key


def _sign(view: ScreenView, now: datetime) -> WallSign:
    """A page in the background is a tab to whoever opened it; in kiosk mode it is a wall that shows something else."""
    report, hidden_at = view.screen.report, view.screen.hidden_at
    silent_s = 0.0 if view.state in ("closed", "hidden") else view.missed_s
    if view.state == "hidden" and report.kiosk and hidden_at is not None:
        silent_s = (now - hidden_at).total_seconds()
    told = view.state in ("ok", "late", "frozen")
    return WallSign(
        code=view.screen.key,
        name=view.screen.name,
        board=report.board,
        silent_s=silent_s,
        frame_age_s=report.frame_age_s if told else None,
        closed=view.state == "closed",
    )


def count_states(views: Iterable[ScreenView]) -> dict[State, int]:
    """How many screens are in each state that some are in, worst first."""
    states = [view.state for view in views]
    return {state: states.count(state) for state in WORST_FIRST if state in states}
