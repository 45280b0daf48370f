"""Many cases at once: the same revisions, events and rules as for one, in a few statements."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock
from epipolis.core.events import Event, publish_many
from epipolis.core.imports import ImportReport
from epipolis.core.rules import RulePack
from epipolis.sense.cases import queries
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Case, CaseRevision, Classification, ClassifiedBy

from .classifying import JUDGED_BY, decision_of_new, judge_cases
from .facts import FIELDS, STATES, FactsError, believed, check
from .revisions import WORD
from .rows import ReadRow

_CASE = ("id", "person_id", "disease", "source", "source_key", "known_at", "revised_at", "revision", "simulated", *FIELDS)
_REVISION = ("case_id", "revision", "known_at", "superseded_at", "changed", "by", "origin", *FIELDS)
_DECISION = ("case_id", "outcome", "decision", "kept", "conflict", "decided_at", "superseded_at")
_STATES = tuple(FIELDS.index(name) for name in STATES)
_TOLD = tuple(sorted(name for name in FIELDS if name not in WORD))
_NEVER = object()


@dataclass(frozen=True, slots=True)
class Revised:
    """How many cases were revised, and how many kept what somebody had changed since the last file."""

    revised: int = 0
    kept: int = 0


def create(rows: Sequence[ReadRow], persons: Sequence[UUID], *, by: audit.Actor, at: datetime) -> None:
    """Store new cases with their first revisions and announce the confirmed ones."""
    actor, moment = audit.actor_name(by), str(at)  # as text: the adapter of times takes longer than the rest of a row
    cases, revisions, decisions = [], [], []
    packs = queries.definitions_in_force(clock.local_day(at))
    for row, person in zip(rows, persons, strict=True):
        if pack := packs.get(queries.plain_disease(row.disease)) if _tells(row) else None:
            decisions += _decided(row, pack, moment, at)
        facts = _stored(row.facts)
        cases.append((row.id, person, row.disease, row.source, row.source_key, moment, moment, 1, row.simulated, *facts))
        changed = json.dumps([name for name in _TOLD if (said := row.facts[name]) or said is False or said == 0])
        revisions.append((row.id, 1, moment, None, changed, actor, row.source, *facts))
    _copy("cases_case", _CASE, cases)
    _copy("cases_caserevision", _REVISION, revisions)
    _copy("cases_classified", _DECISION, decisions)
    confirmed = Classification.CONFIRMED
    publish_many(
        CaseConfirmed(row.id, person)
        for row, person in zip(rows, persons, strict=True)
        if row.facts["classification"] == confirmed
    )


def _tells(row: ReadRow) -> bool:
    """Whether a row says more than days, so that the rules may conclude something."""
    return bool(row.facts["symptoms"] or row.facts["circumstances"])


def _decided(row: ReadRow, pack: RulePack, moment: str, at: datetime) -> list[tuple[Any, ...]]:
    decision = decision_of_new(row.facts, pack, at=at)
    if decision is None:
        return []
    stands, kept = row.facts["classification"], row.facts["classified"]
    conflict = bool(decision.outcome) and kept != ClassifiedBy.AUTOMATIC and decision.outcome != stands
    return [(row.id, decision.outcome, json.dumps(decision.to_json()), kept, conflict, moment, None)]


def _stored(facts: Mapping[str, Any]) -> list[Any]:
    """The facts as the columns take them: answers by name as JSON."""
    values = [facts[name] for name in FIELDS]
    for place in _STATES:
        values[place] = json.dumps(values[place]) if values[place] else "{}"
    return values


def revise(rows: Sequence[ReadRow], report: ImportReport, *, by: audit.Actor, at: datetime, dry_run: bool) -> Revised:
    """Believe what a file says anew. What somebody changed since the file last said it stays as they left it."""
    if not rows:
        return Revised()
    wanted = Case.objects.filter(id__in=[row.id for row in rows])
    cases = (wanted if dry_run else wanted.select_for_update().order_by("id")).in_bulk()
    histories = _histories(rows)
    changed: dict[UUID, list[str]] = {}
    origins = {row.id: row.source for row in rows}
    kept = 0
    for row in rows:
        if cases[row.id].owner:
            rule = gettext_noop("the case was handed over to another office, which alone changes it")
            report.warn(row.number, "owner", rule, row.source_key)
            kept += 1
            continue
        names = _news(row, cases[row.id], histories.get(row.id, ()), report)
        if names and _apply(row, cases[row.id], names, report, at):
            changed[row.id] = sorted(names)
        else:
            kept += 1
    if changed and not dry_run:
        _keep({key: cases[key] for key in changed}, changed, origins, by=by, at=at)
    return Revised(len(changed), kept)


def _apply(row: ReadRow, case: Case, names: list[str], report: ImportReport, at: datetime) -> bool:
    facts = believed(case) | {name: row.facts[name] for name in names}
    if "classification" in names:
        facts |= {"classified": str(ClassifiedBy.SOURCE), "classified_why": ""}
    try:
        check(facts, today=clock.local_day(at))
    except FactsError as error:  # with what somebody changed by hand, the file's news cannot be true
        report.warn(row.number, error.broken[0].field, error.broken[0].rule, row.source_key)
        return False
    for name in (*names, *WORD):
        setattr(case, name, facts[name])
    case.revised_at = max(at, case.revised_at)
    case.revision += 1
    return True


def _news(row: ReadRow, case: Case, history: Sequence[tuple[Any, ...]], report: ImportReport) -> list[str]:
    """The fields in which the file says something else than is believed, without those that somebody else decided."""
    names = []
    for name, value in row.facts.items():
        said, last = _said(row, name, history)
        if name in STATES:
            value = row.facts[name] = _answers(case, name, value, said)
        if getattr(case, name) != value and (not history or _is_news(row, name, said, last, report)):
            names.append(name)
    return names


def _answers(case: Case, name: str, told: dict[str, str], said: Any) -> dict[str, str]:
    """What is believed, with the answers that the file gives for the first time or has changed since it last gave them."""
    before = said if isinstance(said, dict) else {}
    return getattr(case, name) | {key: state for key, state in told.items() if before.get(key) != state}


def _said(row: ReadRow, name: str, history: Sequence[tuple[Any, ...]]) -> tuple[Any, str]:
    """What the file's source last said of a field, and whose word the field is now."""
    said: Any = _NEVER
    last = row.source
    for position, (origin, changed, facts) in enumerate(history):
        if origin == row.source and (position == 0 or name in changed):
            said = facts[name]
        if name in changed:
            last = origin
    return said, last


def _is_news(row: ReadRow, name: str, said: Any, last: str, report: ImportReport) -> bool:
    if last == row.source or name in STATES:
        return True
    if said == row.facts[name]:
        return False
    if last == "":
        rule = gettext_noop("was changed by hand since the last file; the change stays, look at both")
        report.warn(row.number, name, rule, row.facts[name])
        return False
    return True


def _histories(rows: Sequence[ReadRow]) -> dict[UUID, list[tuple[Any, ...]]]:
    """Of the cases that not only their own source has changed: (origin, changed, facts) of each revision, oldest first."""
    own = {row.id: row.source for row in rows}
    others = CaseRevision.objects.filter(case__in=own).exclude(origin=F("case__source")).values("case")
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    columns = ("case_id", "origin", "changed", *FIELDS)
    for case, origin, changed, *facts in (
        CaseRevision.objects.filter(case__in=others).order_by("case", "revision").values_list(*columns)
    ):
        found[case].append((origin, changed, dict(zip(FIELDS, facts, strict=True))))
    return found


def _keep(
    cases: dict[UUID, Case], changed: dict[UUID, list[str]], origins: dict[UUID, str], *, by: audit.Actor, at: datetime
) -> None:
    actor = audit.actor_name(by)
    columns = [*FIELDS, "revised_at", "revision"]
    Case.objects.bulk_create(cases.values(), update_conflicts=True, unique_fields=["id"], update_fields=columns)
    open_ones = CaseRevision.objects.filter(case__in=cases, superseded_at=None)
    open_ones.update(superseded_at=Greatest(Value(at), F("known_at")))
    rows = [
        (key, case.revision, case.revised_at, None, json.dumps(changed[key]), actor, origins[key], *_stored(believed(case)))
        for key, case in cases.items()
    ]
    _copy("cases_caserevision", _REVISION, rows)
    publish_many(_news_of(cases, changed))
    judged = [case for key, case in cases.items() if case.same_as is None and not JUDGED_BY.isdisjoint(changed[key])]
    judge_cases(judged, queries.definitions_in_force(clock.local_day(at)), by=by, at=at)


def _news_of(cases: dict[UUID, Case], changed: dict[UUID, list[str]]) -> Iterable[Event]:
    for key, case in cases.items():
        yield CaseRevised(key, case.person_id, tuple(changed[key]))
        if "classification" in changed[key] and case.classification == Classification.CONFIRMED:
            yield CaseConfirmed(key, case.person_id)


def _copy(table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        quoted = ", ".join(f'"{name}"' for name in columns)
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
