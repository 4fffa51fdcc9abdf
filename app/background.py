"""What runs beside the wall in the same process, because the embedded store lets in one process only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from core.clock import Clock
from core.errors import BadRequestError, LivewallError
from ingest.loader import LoadSummary, Progress, load_files
from ingest.mapping import load_mapping
from ingest.replay import Played, Replay
from ingest.scenario import load_scenario, scenario_names
from ingest.simulator import LiveSimulator
from ingest.world import load_world
from ingest.writer import Writer
from queries.client import ClickHouse

Report = Callable[[dict[str, Any]], None]
AGAIN_S = 5.0

log = structlog.get_logger("background")


class Background:
    """The simulator, loads and replays of a running wall. `stop()` ends all of them."""

    def __init__(
        self,
        clickhouse: ClickHouse,
        clock: Clock,
        *,
        seed: int,
        rate: float,
        simulated: bool,
        writer: Writer | None = None,
    ) -> None:
        """`writer` writes what is simulated; one with a spool heals what a crash cut off."""
        self._writer = writer
        self._clickhouse, self._clock, self._simulated = clickhouse, clock, simulated
        self._seed, self._rate = seed, rate
        self._stopping = threading.Event()
        self._simulator: LiveSimulator | None = None
        self._threads: list[threading.Thread] = []
        self._one_load = threading.Lock()

    def simulate(self, scenario: str) -> None:
        """Keep the store alive with simulated events on a thread of their own; switches when it already does."""
        if self._simulator is not None:
            self._simulator.switch(scenario)
            return
        self._simulator = LiveSimulator(
            self._clickhouse,
            seed=self._seed,
            rate=self._rate,
            scenario=load_scenario(scenario, load_world()),
            clock=self._clock,
            writer=self._writer,
        )
        self._start("simulator", self._keep_simulating, self._simulator)

    def _keep_simulating(self, simulator: LiveSimulator) -> None:
        """A store that refuses for long must not end the stream for good: begin again where the ledgers end."""
        while not self._stopping.is_set():
            try:
                simulator.run(self._stopping)
            except LivewallError as problem:
                log.error("the simulator was interrupted and begins again", problem=str(problem))
                self._stopping.wait(AGAIN_S)

    def replay(self, mapping: str, files: list[Path], speed: float) -> None:
        """Play files from now on, on a thread of their own. Raises BadRequestError for files that cannot be played."""
        player = Replay(self._clickhouse, load_mapping(mapping), files, speed, self._clock)
        player.__enter__()  # stages and checks here, where the asker still listens

        def play() -> None:
            try:
                player.run(self._stopping)
            except LivewallError as problem:
                log.error("the replay stopped", problem=str(problem))
            finally:
                player.__exit__(None, None, None)

        self._start("replay", play)

    def _start(self, name: str, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End everything that runs; what was acknowledged is in the store."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout)

    def load_job(self, wanted: dict[str, Any], report: Report) -> dict[str, Any]:
        """The local API's `load`: {mapping, files} -> the summary as JSON."""
        mapping, files = _mapping_and_files(wanted)

        def told(progress: Progress) -> None:
            report({"file": progress.file, "step": progress.step, "share": progress.share, "rows": progress.rows})

        with self._one_load:
            summary = load_files(self._clickhouse, load_mapping(mapping), files, told, self._clock)
        return summary_json(summary)

    def replay_job(self, wanted: dict[str, Any], report: Report) -> dict[str, Any]:
        """The local API's `replay`: {mapping, files, speed} -> played to the end, with progress."""
        mapping, files = _mapping_and_files(wanted)
        speed = float(wanted.get("speed") or 1)

        def told(played: Played) -> None:
            report({"events": played.events, "remaining_s": played.remaining_s, "trouble": played.trouble})

        with Replay(self._clickhouse, load_mapping(mapping), files, speed, self._clock) as player:
            played = player.run(self._stopping, told)
        return {"events": played.events, "rejected": played.rejected}

    def simulate_job(self, wanted: dict[str, Any], _report: Report) -> dict[str, Any]:
        """The local API's `simulate`: {scenario} -> the scenario that now runs. Only a simulated store takes it."""
        if not self._simulated:
            raise BadRequestError(
                "this store holds real data: simulated events would mix with it; choose another STORE"
            )
        scenario = str(wanted.get("scenario") or "normal_day")
        load_scenario(scenario, load_world())
        self.simulate(scenario)
        return {"scenario": scenario, "known": list(scenario_names())}


def _mapping_and_files(wanted: dict[str, Any]) -> tuple[str, list[Path]]:
    files = wanted.get("files")
    if not isinstance(wanted.get("mapping"), str) or not isinstance(files, list) or not files:
        raise BadRequestError("a mapping and at least one file are needed")
    return str(wanted["mapping"]), [Path(str(name)) for name in files]


def summary_json(summary: LoadSummary) -> dict[str, Any]:
    """A load's summary as plain values: what became of each file."""
    return {
        "took_s": summary.took_s,
        "rows": summary.rows,
        "events": summary.events,
        "files": [
            {
                "file": file.file,
                "rows": file.rows,
                "events": {f"{ledger} {kind}": count for (ledger, kind), count in file.events.items()},
                "known": file.known,
                "already_loaded": file.already_loaded,
                "skipped": dict(file.skipped),
                "rejected": [
                    {"reason": r.reason, "count": r.count, "lines": list(r.lines), "detail": r.detail}
                    for r in file.rejected
                ],
                "first": file.first.isoformat() if file.first else None,
                "last": file.last.isoformat() if file.last else None,
            }
            for file in summary.files
        ],
    }
