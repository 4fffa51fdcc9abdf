"""How a wall is doing, as far as alerts need to know: built by the registry of screens, judged by rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WallSign:
    """One wall (a screen in kiosk mode or with a name) right now. Seconds; `silent_s` counts from its last heartbeat,
    in kiosk mode also from the moment that its page was in the background.

    `frame_age_s` is how old the picture was that it showed at that heartbeat, None when that says nothing: the screen
    is hidden, closed on purpose, or has not been heard since.
    """

    code: str  # the screen's public key
    name: str
    board: str
    silent_s: float
    frame_age_s: float | None
    closed: bool = False
