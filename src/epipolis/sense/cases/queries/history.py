"""What was believed about a case, when, and who said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from epipolis.sense.cases.models import Case, CaseRevision, Circumstance, Facts, State, Symptom
from epipolis.sense.people.models import Sex

from .cases import cases_by_id

_FIELDS = {field.attname: field for field in Facts._meta.local_fields}
_ELSEWHERE = frozenset(
    ("infected_by", "same_as", "symptoms", "circumstances", "classified", "classified_why")
)  # in other panels


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing believed: its name and value in words, and since when and from whom it is known."""

    name: str
    label: str
    value: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Step:
    """One revision: what changed from what to what, in words."""

    number: int
    at: datetime
    until: datetime | None
    by: str
    origin: str
    changes: tuple[tuple[str, str, str], ...]


def ages_of_facts(case: Case, revisions: Sequence[CaseRevision]) -> list[Fact]:
    """Everything that is known about a case, each with its age. `revisions` are all of the case, newest first."""
    found = []
    for name, field in _FIELDS.items():
        if name in _ELSEWHERE or getattr(case, name) in (None, ""):
            continue
        said = next((row for row in revisions if name in row.changed), revisions[-1])
        found.append(Fact(name, str(field.verbose_name), shown(case, name), said.known_at, said.by))
    return found


def facts_labels() -> dict[str, str]:
    """The name of each fact in the reader's language, by column."""
    return {name: str(field.verbose_name) for name, field in _FIELDS.items() if name not in ("classified_why", "same_as")}


def timeline(revisions: Sequence[CaseRevision]) -> list[Step]:
    """Each revision with its changes, newest first; infectors by their numbers."""
    infectors = cases_by_id([row.infected_by for row in revisions if row.infected_by])

    def said(row: CaseRevision | None, name: str) -> str:
        infector = infectors.get(row.infected_by) if row and name == "infected_by" and row.infected_by else None
        return infector.source_key if infector else shown(row, name)

    steps = []
    for row, before in zip(revisions, [*revisions[1:], None], strict=True):
        names = [name for name in _FIELDS if name in row.changed]
        changes = tuple((str(_FIELDS[name].verbose_name), said(before, name), said(row, name)) for name in names)
        steps.append(Step(row.revision, row.known_at, row.superseded_at, row.by, row.origin, changes))
    return steps


def shown(row: Case | CaseRevision | None, name: str) -> str:
    """A fact in the reader's words; empty when it is not known."""
    value: Any = getattr(row, name) if row else None
    if value in (None, "", {}):
        return ""
    if name in ("symptoms", "circumstances"):
        names = dict((Symptom if name == "symptoms" else Circumstance).choices)
        return ", ".join(f"{names.get(one, one)}: {State(state).label}" for one, state in sorted(value.items()))
    if name == "same_as":
        return _("another case")
    if name in ("classification", "outcome", "classified"):
        return str(getattr(row, f"get_{name}_display")())
    if name == "sex":
        return str(dict(Sex.choices).get(value, value))
    if name in ("district_id", "neighbourhood_id"):
        return str(getattr(row, name.removesuffix("_id")))
    if name == "infected_by":
        return _("a case that is not in the line list yet")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
