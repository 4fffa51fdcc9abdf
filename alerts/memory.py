"""Keeps the alerts' states in a file beside the store, so that a restart neither forgets nor repeats an alert."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from alerts.judging import Verdict
from alerts.machine import MachineState
from alerts.model import Rule

FORMAT = 1
log = structlog.get_logger("alerts")


@dataclass(slots=True)
class Instance:
    """One rule for one member (code None: the rule's only one)."""

    state: MachineState = field(default_factory=MachineState)
    verdict: Verdict | None = None


@dataclass(slots=True)
class RuleMemory:
    """What is known of one rule: the last minute that was judged, and its instances."""

    minute: datetime | None = None  # start of it
    instances: dict[str | None, Instance] = field(default_factory=dict)


def meaning(rule: Rule) -> str:
    """Changes when a rule judges differently; its words and owner do not matter."""
    judging = rule.model_dump(mode="json", exclude={"name", "action", "owner", "severity"})
    if judging["watch"] is None:  # came later: rules without it keep the states they had
        del judging["watch"]
    return hashlib.sha256(json.dumps(judging, sort_keys=True).encode()).hexdigest()[:16]


class Shared(Protocol):
    """Where several processes keep one memory. `keep_alerts` is False when this process has no say any more."""

    def alerts(self) -> str | None: ...

    def keep_alerts(self, text: str) -> bool: ...


def write_memory(rules: dict[str, tuple[Rule, RuleMemory]]) -> str:
    """All memories as JSON."""
    content = {"format": FORMAT, "rules": {key: _pack(rule, memory) for key, (rule, memory) in rules.items()}}
    return json.dumps(content, ensure_ascii=False)


def save_memory(path: Path, rules: dict[str, tuple[Rule, RuleMemory]]) -> None:
    """Write the file whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(write_memory(rules), encoding="utf-8")
    fresh.replace(path)


def newest_memory(path: Path | None, shared: Shared | None, rules: tuple[Rule, ...]) -> dict[str, RuleMemory]:
    """Of each rule the memory that judged last: of the file, or of what processes share."""
    kept = load_memory(path, rules) if path else {rule.key: RuleMemory() for rule in rules}
    text = shared.alerts() if shared else None
    if text is not None:
        for key, memory in read_memory(text, rules, "shared").items():
            mine = kept[key].minute
            if memory.minute and (mine is None or memory.minute > mine):
                kept[key] = memory
    return kept


def load_memory(path: Path, rules: tuple[Rule, ...]) -> dict[str, RuleMemory]:
    """The memory of each rule, from the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {rule.key: RuleMemory() for rule in rules}
    except ValueError as problem:
        log.warning("alert states are unreadable, starting anew", file=path.name, problem=str(problem))
        return {rule.key: RuleMemory() for rule in rules}
    return read_memory(text, rules, path.name)


def read_memory(text: str, rules: tuple[Rule, ...], name: str) -> dict[str, RuleMemory]:
    """The memory of each rule. A rule that judges differently by now starts anew; so does all after a broken text."""
    memories = {rule.key: RuleMemory() for rule in rules}
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        for rule in rules:
            saved = content["rules"].get(rule.key)
            if saved and saved["meaning"] == meaning(rule):
                memories[rule.key] = _unpack(saved)
    except (ValueError, KeyError, TypeError) as problem:
        log.warning("alert states are unreadable, starting anew", file=name, problem=str(problem))
        return {rule.key: RuleMemory() for rule in rules}
    return memories


def _pack(rule: Rule, memory: RuleMemory) -> dict[str, Any]:
    return {
        "meaning": meaning(rule),
        "minute": memory.minute.isoformat() if memory.minute else None,
        "instances": [
            {
                "code": code,
                "state": instance.state.to_json(),
                "verdict": asdict(instance.verdict) if instance.verdict else None,
            }
            for code, instance in memory.instances.items()
        ],
    }


def _unpack(saved: dict[str, Any]) -> RuleMemory:
    return RuleMemory(
        datetime.fromisoformat(saved["minute"]) if saved["minute"] else None,
        {
            entry["code"]: Instance(
                MachineState.from_json(entry["state"]), Verdict(**entry["verdict"]) if entry["verdict"] else None
            )
            for entry in saved["instances"]
        },
    )
