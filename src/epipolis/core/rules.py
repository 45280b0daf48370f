"""Rule packs: the numbers and lists by which the city decides, as dated data.

A pack is a YAML file in a module's `rules` folder, or a row that the city added (`epipolis load rules FILE`). Of all
versions of a pack the one in force on a day is the newest that was valid then, the city's own before the one that ships.
A decision keeps the pack, its version, its inputs and its day, explains itself, and can be made again as of any day.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit
from epipolis.core.models import RulePackRow
from epipolis.core.modules import packages

OWN = "epipolis"  # the jurisdiction of what no office has issued: this platform's own defaults, behind everybody else's
_read: ContextVar[dict[str, list["RulePack"]] | None] = ContextVar("rule packs that were read", default=None)


@dataclass(frozen=True)
class RulePack:
    """One version of one set of rules."""

    name: str
    version: str
    jurisdiction: str
    valid_from: date
    source: str
    content: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    @property
    def reference(self) -> str:
        return f"{self.name} {self.jurisdiction} {self.version}"


@dataclass(frozen=True)
class Decision:
    """What was decided, by which rule, from what, for which day, and why, in sentences that can be translated.

    `reasons` holds pairs of a message and its values; the message is an English source string.
    """

    outcome: str
    rule: str
    day: date
    inputs: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "rule": self.rule,
            "day": self.day.isoformat(),
            "inputs": dict(self.inputs),
            "reasons": [[text, dict(values)] for text, values in self.reasons],
        }


def explain(decision: Mapping[str, Any]) -> list[str]:
    """The reasons of a stored decision in the reader's language."""
    return [_(text) % values for text, values in decision.get("reasons", [])]


def in_force(name: str, day: date, *, jurisdiction: str = "") -> RulePack:
    """The version of a pack that is in force on a day.

    Raises:
        LookupError: no version was valid then, or there is no such pack.
    """
    wanted = (jurisdiction or settings.EPIPOLIS_JURISDICTION, "WHO", OWN)
    found = [pack for pack in versions(name) if pack.valid_from <= day and pack.jurisdiction in wanted]
    if not found:
        raise LookupError(f"no version of the rules {name!r} is in force on {day} in {' or '.join(wanted)}")
    return max(found, key=lambda pack: (-wanted.index(pack.jurisdiction), pack.valid_from, pack.version))


def versions(name: str) -> list[RulePack]:
    """Every version of a pack, those that ship and the city's own."""
    read = _read.get()
    if read is None:
        return _versions(name)
    if name not in read:
        read[name] = _versions(name)
    return list(read[name])


@contextmanager
def read_once() -> Iterator[None]:
    """Within this block each pack is read once, for a job that asks the same rules for many things, one after the other."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def _versions(name: str) -> list[RulePack]:
    own = RulePackRow.objects.filter(name=name, withdrawn=None)
    return [pack for pack in _shipped() if pack.name == name] + [
        RulePack(row.name, row.version, row.jurisdiction, row.valid_from, row.source, row.content) for row in own
    ]


def names() -> list[str]:
    return sorted({pack.name for pack in _shipped()} | set(RulePackRow.objects.values_list("name", flat=True)))


@transaction.atomic
def load_rules(path: Path, *, by: audit.Actor, at: datetime) -> RulePack:
    """Take a pack from a YAML file as this city's own; the same version with the same content changes nothing.

    Raises:
        ValueError: the file lacks a part, or this version is already known with other content.
    """
    pack = read_pack(path.read_text(encoding="utf-8"), where=path.name)
    row, created = RulePackRow.objects.get_or_create(
        name=pack.name,
        version=pack.version,
        jurisdiction=pack.jurisdiction,
        defaults={"valid_from": pack.valid_from, "source": pack.source, "content": pack.content, "known_at": at},
    )
    if not created and (row.content, row.valid_from) != (pack.content, pack.valid_from):
        raise ValueError(f"{path.name}: {pack.reference} is already known with other content; give it a new version")
    if created:
        audit.record("rules.load", by=by, at=at, subject=pack.reference)
    return pack


def read_pack(text: str, *, where: str) -> RulePack:
    """Read one pack from YAML text.

    Raises:
        ValueError: a part is missing or of the wrong kind; the message names the file and the part.
    """
    try:
        parts = yaml.safe_load(text)
        head = {key: parts[key] for key in ("name", "version", "jurisdiction", "valid_from", "source", "content")}
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"{where}: not a rule pack, {error}") from error
    if not isinstance(head["valid_from"], date) or not isinstance(head["content"], dict):
        raise ValueError(f"{where}: valid_from must be a date and content a mapping")
    return RulePack(**(head | {"version": str(head["version"])}))


@cache
def _shipped() -> tuple[RulePack, ...]:
    folders = (files(package).joinpath("rules") for package in packages().values())
    found = (item for folder in folders if folder.is_dir() for item in folder.iterdir() if item.name.endswith(".yaml"))
    return tuple(read_pack(item.read_text(encoding="utf-8"), where=item.name) for item in found)
