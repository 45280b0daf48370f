"""A table of contacts in: who is matched, whom they met is looked up, nothing is made up, and the same file again changes
nothing. An import that was cut off goes on where it stopped."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.models import Change, Exposure, FollowUp, Order, Origin
from epipolis.act.followup.settings import settings
from epipolis.core import audit
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.core.rows import update_rows
from epipolis.core.sealing import fingerprint
from epipolis.sense.cases.services.values import day_orders
from epipolis.sense.people.services import PersonError
from epipolis.sense.people.services.matching import match_checked

from .opening import NewExposure, add_exposures
from .rows import DAYS, FIELDS, ContactRow, content_of, mapping_of, read_contact
from .timing import replan_all

_SAMPLE = 500  # rows from which the order of day and month is found out
_DECIDED = (
    "quarantine_from", "quarantine_until", "quarantine_first_until", "order_kind", "ordered_verbally", "chosen_until",
    "chosen_at",
)  # fmt: skip
_DATES = ("follow_up_until", "quarantine_from", "quarantine_until", "order")
_FROM_FILE = gettext_noop("Said so in the file.")
Numbered = list[tuple[int, Row]]
Source = tuple[UUID | None, str]


def import_contacts(path: Path, options: ImportOptions) -> ImportReport:
    """Take a table of contacts. A row is known by its number in the file, else by all that it says.

    Days that a row does not tell stay unknown: no last contact, no end and no quarantine is made up.

    Raises:
        ValueError: the file cannot be read as a table, or no column says who the contacts are.
    """
    options = replace(options, source=(options.source or path.stem)[:60])
    given = options.mapping
    mapping = dict(given) if isinstance(given, Mapping) else mapping_of(read_columns(path))
    if not set(mapping.values()) & {"number", "national_id", "given_name", "family_name", "phone", "email"}:
        raise ValueError(f"{path.name}: no column says who the contacts are")
    if unknown := set(mapping.values()) - FIELDS.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: no such field of a contact")
    report = ImportReport(dry_run=options.dry_run, mapping=mapping)
    rows = read_rows(path)
    first = list(islice(rows, _SAMPLE))
    orders = day_orders([row for _, row in first], mapping, DAYS)
    total, seen = row_count(path), Counter[str]()
    for batch in batches(chain(first, rows), settings.import_rows):
        with transaction.atomic():
            _Batch(report, seen, options, orders).take(batch)
            if options.dry_run:
                transaction.set_rollback(True)
        options.progress(report.accepted + report.rejected, total, "contacts")
    if report.accepted and not options.dry_run:
        counts: dict[str, Any] = {"created": report.created, "changed": report.changed, "rejected": report.rejected}
        audit.record("followup.import", by=options.by, at=options.at, subject=options.source, **counts)
    return report


class _Batch:
    """Some rows, read, matched and stored in one transaction."""

    def __init__(self, report: ImportReport, seen: Counter[str], options: ImportOptions, orders: Mapping[str, bool]) -> None:
        self.report, self.seen, self.options, self.orders = report, seen, options, orders

    def take(self, batch: Numbered) -> None:
        rows = self._read(batch)
        known = {
            one.reference: one
            for one in Exposure.objects.filter(reference__in=[reference for reference, _ in rows]).select_related("follow_up")
        }
        sources = self._sources([row for _, row in rows])
        rows = [(reference, row) for reference, row in rows if row.number in sources]
        people = self._people(rows, known)
        before = {reference: _state(one) for reference, one in known.items()}
        told = [
            self._told(reference, row, people[reference], sources[row.number], known.get(reference)) for reference, row in rows
        ]
        homes = add_exposures(told, by=self.options.by, at=self.options.at)
        dated = self._take_dates([row for _, row in rows], homes)
        now = dict(_states(list(before)))
        for (reference, _row), home in zip(rows, homes, strict=True):
            self.report.accepted += 1
            is_new, is_same = reference not in before, before.get(reference) == now.get(reference)
            self.report.created += is_new
            self.report.changed += not is_new and (not is_same or home in dated)
            self.report.unchanged += not is_new and is_same and home not in dated

    def _read(self, batch: Numbered) -> list[tuple[str, ContactRow]]:
        found, options = [], self.options
        for number, cells in batch:
            try:
                row = read_contact(
                    number, cells, self.report.mapping, self.orders,
                    source=options.source, at=options.at, simulated=options.simulated,
                )  # fmt: skip
                found.append((self._reference(row), row))
            except PersonError as error:
                self.report.reject(number, error.field, error.rule)
        return found

    def _reference(self, row: ContactRow) -> str:
        """By which the row is known when the file comes again: its number and whom it met, else all that it says."""
        key = row.cells.get("number") or row.cells.get("national_id")
        if key:
            text = f"{key}\x1f{row.cells.get('case_source', '')}\x1f{row.cells.get('case', '')}"
            if self.seen[text]:
                raise PersonError("number", "the same contact of the same case stands in the file already")
            self.seen[text] += 1
        else:
            content = content_of(row)
            self.seen[content] += 1
            text = f"{content}\x1f{self.seen[content]}"
        # The number may be personal, so only its keyed hash is kept here.
        return f"import:{self.options.source}:{fingerprint(text)}"[:200]

    def _sources(self, rows: list[ContactRow]) -> dict[int, Source]:
        """The case of each row and its disease; a case that is not in the line list is named and the contact kept."""
        wanted = {row.cells.get("case", "") for row in rows} - {""}
        known = queries.cases_numbered(wanted)
        found: dict[int, Source] = {}
        for row in rows:
            number, source = row.cells.get("case", ""), row.cells.get("case_source", "")
            fitting = [one for one in known.get(number, ()) if not source or one.source == source]
            if len(fitting) > 1:
                rule = gettext_noop("cases of several sources have this number; name the source")
                self.report.reject(row.number, "case", rule, number)
                continue
            if number and not fitting:
                self.report.warn(row.number, "case", gettext_noop("is not in the line list; the contact is kept"), number)
            disease = row.cells.get("disease") or settings.disease
            found[row.number] = (fitting[0].id, fitting[0].disease) if fitting else (None, disease)
        return found

    def _people(self, rows: list[tuple[str, ContactRow]], known: Mapping[str, Exposure]) -> dict[str, UUID]:
        """Who each row is about: for a row that was taken before who it was then, else who matches."""
        fresh = [(reference, row) for reference, row in rows if reference not in known]
        options = self.options
        matches = match_checked(
            [row.person for _, row in fresh], by=options.by, at=options.at, match=options.match, wait=not options.dry_run
        )
        found = {reference: one.who for reference, one in known.items()}
        for (reference, _row), match in zip(fresh, matches, strict=True):
            found[reference] = match.person
            self.report.asked += match.band == "asked"
            self.report.linked += match.band == "linked" and match.is_by_evidence
        return found

    def _told(self, reference: str, row: ContactRow, person: UUID, source: Source, known: Exposure | None) -> NewExposure:
        case, disease = source
        return NewExposure(
            reference=reference,
            case=case,
            disease=known.follow_up.disease if known else disease,
            origin=str(Origin.IMPORT),
            person=person,
            risk=row.risk,
            relation=row.cells.get("relation", ""),
            category=row.cells.get("category", ""),
            first_contact=row.day("first_contact"),
            last_contact=row.day("last_contact"),
            sampled=row.day("sampled"),
            reported=row.day("reported"),
            note=row.cells.get("note", ""),
            simulated=self.options.simulated,
        )

    def _take_dates(self, rows: list[ContactRow], homes: list[int]) -> set[int]:
        """Days that the sender decided: taken where none is held, and named where another is."""
        wanted = {home: row for home, row in zip(homes, rows, strict=True) if any(row.cells.get(key) for key in _DATES)}
        if not wanted:
            return set()
        changed, ends = [], []
        for row in FollowUp.objects.select_for_update().filter(id__in=list(wanted)).order_by("id"):
            lines = list(self._set(row, wanted[row.id]))
            if lines:
                changed.append(row)
                Change.objects.bulk_create(lines)
                ends += [row.id for line in lines if line.kind == "end"]
        update_rows(changed, _DECIDED)
        if ends:
            replan_all(ends, by=self.options.by, at=self.options.at, reason=_FROM_FILE)
        return {row.id for row in changed}

    def _set(self, row: FollowUp, told: ContactRow) -> list[Change]:
        lines, at = [], self.options.at
        until, end = told.day("quarantine_until"), told.day("follow_up_until")
        if until and row.quarantine_until is None:
            row.quarantine_from, row.quarantine_until, row.quarantine_first_until = told.day("quarantine_from"), until, until
            row.order_kind = told.order or Order.NONE
            lines.append(self._line(row, "quarantine", {"quarantine_until": until.isoformat()}, at))
        elif until and until != row.quarantine_until:
            self.report.warn(told.number, "quarantine_until", gettext_noop("another last day of the quarantine is held"), until)
        if end and row.chosen_until is None and end != row.until:
            row.chosen_until, row.chosen_at = end, at
            lines.append(self._line(row, "end", {"chosen_until": end.isoformat(), "until": end.isoformat()}, at))
        elif end and row.chosen_until and end != row.chosen_until:
            self.report.warn(told.number, "follow_up_until", gettext_noop("another last day is held"), end)
        return lines

    def _line(self, row: FollowUp, kind: str, after: dict[str, str], at: datetime) -> Change:
        by = audit.actor_name(self.options.by)
        before = {"until": row.until.isoformat() if row.until else None}
        return Change(follow_up=row, kind=kind, before=before, after=after, reason=_FROM_FILE, by=by, at=at)


_COMPARED = ("risk", "relation", "category", "first_contact", "last_contact", "reported", "until", "note", "case_id")


def _state(one: Exposure) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in _COMPARED)


def _states(references: list[str]) -> list[tuple[str, tuple[object, ...]]]:
    found = Exposure.objects.filter(reference__in=references).values_list("reference", *_COMPARED)
    return [(reference, tuple(state)) for reference, *state in found]
