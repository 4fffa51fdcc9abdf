"""Where the registry of screens keeps what it knows: in this process, with the walls in a file beside the store."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from core.errors import LivewallError
from live.screen_report import Command, Screen

FORMAT = 1
log = structlog.get_logger("screens")


class BookError(LivewallError):
    """What is kept of screens cannot be reached right now."""

    retryable = True


class Book(Protocol):
    """Screens and their commands by the screens' public keys. All methods may be called from any thread.

    Screens and commands are written apart from each other, so that two processes never undo each other's words.
    """

    def screens(self) -> Mapping[str, Screen]: ...

    def screen(self, key: str) -> Screen | None: ...

    def put_screen(self, screen: Screen) -> None: ...

    def drop_screen(self, key: str) -> None:
        """Forget the screen and its commands."""

    def commands(self, key: str) -> tuple[Command, ...]:
        """Of one screen, oldest first."""

    def all_commands(self) -> Mapping[str, tuple[Command, ...]]:
        """Of every screen that has some."""

    def put_command(self, key: str, command: Command) -> None: ...

    def drop_command(self, key: str, command_id: str) -> None: ...

    def flush(self) -> None:
        """Make what was written outlive this process, where that takes a step of its own."""


class MemoryBook:
    """For one web process. With `path`, walls and their commands survive a restart; viewers come back by themselves."""

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._lock = path, threading.RLock()
        self._screens: dict[str, Screen] = {}
        self._commands: dict[str, dict[str, Command]] = {}
        if path is not None:
            self._load(path)

    def screens(self) -> Mapping[str, Screen]:
        with self._lock:
            return dict(self._screens)

    def screen(self, key: str) -> Screen | None:
        with self._lock:
            return self._screens.get(key)

    def put_screen(self, screen: Screen) -> None:
        with self._lock:
            self._screens[screen.key] = screen

    def drop_screen(self, key: str) -> None:
        with self._lock:
            self._screens.pop(key, None)
            self._commands.pop(key, None)

    def commands(self, key: str) -> tuple[Command, ...]:
        with self._lock:
            return tuple(self._commands.get(key, {}).values())

    def all_commands(self) -> Mapping[str, tuple[Command, ...]]:
        with self._lock:
            return {key: tuple(kept.values()) for key, kept in self._commands.items() if kept}

    def put_command(self, key: str, command: Command) -> None:
        with self._lock:
            self._commands.setdefault(key, {})[command.id] = command

    def drop_command(self, key: str, command_id: str) -> None:
        with self._lock:
            self._commands.get(key, {}).pop(command_id, None)

    def flush(self) -> None:
        """Write the file whole or not at all. A full disk costs the memory of walls, not a heartbeat."""
        if self._path is None:
            return
        with self._lock:
            walls = [screen for screen in self._screens.values() if screen.is_wall]
            content = {
                "format": FORMAT,
                "screens": [screen.model_dump(mode="json") for screen in walls],
                "commands": {
                    screen.key: [command.model_dump(mode="json") for command in self.commands(screen.key)]
                    for screen in walls
                },
            }
            fresh = self._path.with_suffix(".new")
            try:
                fresh.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
                fresh.replace(self._path)
            except OSError as problem:
                log.warning("screens could not be written", file=self._path.name, problem=str(problem))

    def _load(self, path: Path) -> None:
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")
            screens = [Screen.model_validate_json(json.dumps(saved)) for saved in content["screens"]]
            commands = {
                key: [Command.model_validate_json(json.dumps(command)) for command in saved]
                for key, saved in content["commands"].items()
            }
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as problem:
            log.warning("screens are unreadable, starting anew", file=path.name, problem=str(problem)[:200])
            return
        self._screens = {screen.key: screen for screen in screens}
        self._commands = {key: {command.id: command for command in kept} for key, kept in commands.items()}
