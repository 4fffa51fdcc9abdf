"""The ids of Dash components, for layouts, callbacks and, through the page's settings, scripts."""

from __future__ import annotations

CONFIG = "config"  # Store: what scripts need to know, constant for the life of the page
BEAT = "beat"  # Interval: the screen's heartbeat
POKE = "poke"  # Store: "ask now", a counter that scripts raise after a click
ASK = "ask"  # Store: the question that the gate let through
FRAME = "frame"  # Store: the server's answer, one pre-serialised frame
FANNED = "fanned"  # Store: never written; the fan-out needs an output

FOR_SCRIPTS = {"beat": BEAT, "poke": POKE, "ask": ASK, "frame": FRAME}
