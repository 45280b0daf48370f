"""A table of people in: bad rows are reported, good ones stored, and the same file again changes nothing."""

from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from epipolis.core import audit
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.core.sealing import fingerprint, unseal
from epipolis.sense.city import queries as city
from epipolis.sense.people.models import ContactPoint, Person

from .correcting import correct_person
from .matching import match_checked
from .reading import guess_mapping, read_person, read_point
from .rows import NO_BIRTH, PersonError, PersonRow, check_row, clear
from .storing import identifier_key, point_hash

_BATCH = 5_000
_FORMULA = ("=", "+", "-", "@")
Numbered = list[tuple[int, Row]]


class _Seen:
    """What the rows so far were known by."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}
        self.contents: Counter[str] = Counter()


def import_people(path: Path, options: ImportOptions) -> ImportReport:
    """Take a table of people, some thousand rows in one transaction, so that an import that was cut off goes on where it
    stopped when it is run again. A row is known by its number in the source, else by its national id, else by all that it
    says. Who is new in that way is compared with everybody (`match_people`): linked, made anew, or made anew and asked.

    An empty cell changes nothing about a person who is known; telephones and addresses of mail are added.

    Raises:
        ValueError: the file cannot be read as a table, or no column is one of IMPORT_FIELDS.
    """
    options = replace(options, source=(options.source or path.stem)[:60])
    report, seen = ImportReport(dry_run=options.dry_run, mapping=_mapping(path, options)), _Seen()
    total = row_count(path)
    with transaction.atomic() if options.dry_run else nullcontext():
        for batch in batches(read_rows(path), _BATCH):
            with transaction.atomic():
                _take(batch, report, seen, options)
            options.progress(report.accepted + report.rejected, total, "people")
        if options.dry_run:
            transaction.set_rollback(True)
    if report.accepted and not options.dry_run:
        counts: dict[str, Any] = {"created": report.created, "changed": report.changed, "rejected": report.rejected}
        found: dict[str, Any] = {"linked": report.linked, "asked": report.asked} if report.linked or report.asked else {}
        audit.record("people.import", by=options.by, at=options.at, subject=options.source, **counts, **found)
    return report


def _mapping(path: Path, options: ImportOptions) -> dict[str, str]:
    given = options.mapping
    found = dict(given) if isinstance(given, Mapping) else guess_mapping(read_columns(path))
    if not found:
        raise ValueError(f"{path.name}: no column is known as something about a person")
    return found


def _take(batch: Numbered, report: ImportReport, seen: _Seen, options: ImportOptions) -> None:
    people = _read(batch, report, seen, options)
    rows = [row for _, row in people]
    matches = match_checked(rows, by=options.by, at=options.at, match=options.match, wait=not options.dry_run)
    report.accepted += len(people)
    known = []
    for (number, row), found in zip(people, matches, strict=True):
        report.created += found.is_new and found.person == found.holder
        report.asked += found.band == "asked"
        if not found.is_new:
            known.append((number, row, found.person))
        elif found.band == "linked":
            report.changed += 1
        report.linked += found.band == "linked" and found.is_by_evidence
    _complete(known, report, options)


def _read(batch: Numbered, report: ImportReport, seen: _Seen, options: ImportOptions) -> list[tuple[int, PersonRow]]:
    points = [_point(number, row, report) for number, row in batch]
    around = city.neighbourhoods_at([lon for lon, _ in points], [lat for _, lat in points])
    found = []
    for (number, row), area in zip(batch, around, strict=True):
        try:
            if row.get(""):
                raise PersonError("", "more cells than columns" if len(row) > 1 else "the row cannot be read")
            person = read_person(row, report.mapping, source=options.source, around=area, simulated=options.simulated)
            check_row(person, at=options.at)
            found.append((number, _with_key(number, row, person, seen, options)))
        except PersonError as error:
            report.reject(number, error.field, error.rule)
            continue
        if "" in row:
            report.warn(number, "", "fewer cells than columns")
        for field in ("given_name", "family_name", "address"):
            if getattr(person, field).startswith(_FORMULA):
                report.warn(number, field, "looks like a formula; kept as text")
    return found


def _point(number: int, row: Row, report: ImportReport) -> tuple[float, float]:
    """A wrong point only costs the neighbourhood: the person is taken all the same."""
    try:
        return read_point(row, report.mapping)
    except PersonError as error:
        report.warn(number, error.field, error.rule)
        return float("nan"), float("nan")


def _with_key(number: int, row: Row, person: PersonRow, seen: _Seen, options: ImportOptions) -> PersonRow:
    """The person with at least one number, which no earlier row of the file has."""
    if not person.identifiers:
        content = "\x1f".join(f"{column}\x1e{row[column]}" for column in sorted(row) if row[column])
        seen.contents[content] += 1
        value = fingerprint(f"{content}\x1f{seen.contents[content]}")
        return replace(person, identifiers=((f"row of {options.source}"[:60], value),))
    keys = [identifier_key(kind, value) for kind, value in person.identifiers]
    for key in keys:
        if key in seen.rows:
            raise PersonError(key[0], f"stands already in row {seen.rows[key]}")
    seen.rows.update(dict.fromkeys(keys, number))
    return person


def _complete(known: list[tuple[int, PersonRow, UUID]], report: ImportReport, options: ImportOptions) -> None:
    """Bring people who were known up to what the file says."""
    people = Person.objects.in_bulk([key for _, _, key in known])
    points: dict[UUID, dict[tuple[str, str], str]] = {}
    for key, kind, value_hash, value in _points(list(people)).values_list("person_id", "kind", "value_hash", "value"):
        points.setdefault(key, {})[kind, value_hash] = value
    for number, row, key in known:
        changes = _changes(row, people[key], points.get(key, {}))
        try:
            changed = correct_person(key, changes, by=options.by, at=options.at) if changes else []
        except (PersonError, LookupError) as error:
            report.accepted -= 1
            report.reject(number, getattr(error, "field", ""), getattr(error, "rule", str(error)))
            continue
        report.changed, report.unchanged = report.changed + bool(changed), report.unchanged + (not changed)


def _points(people: list[UUID]) -> QuerySet[ContactPoint]:
    return ContactPoint.objects.filter(person__in=people)


def _changes(row: PersonRow, person: Person, points: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """What the row says that is not held yet; an empty cell says nothing."""
    changes: dict[str, Any] = {
        field: getattr(row, field)
        for field in ("given_name", "family_name", "address")
        if getattr(row, field) and clear(getattr(row, field)) != unseal(getattr(person, field))
    }
    changes |= {f: getattr(row, f) for f in ("sex", "language") if getattr(row, f) not in ("", getattr(person, f))}
    if row.neighbourhood and row.neighbourhood.id != person.neighbourhood_id:
        changes["neighbourhood"] = row.neighbourhood
    if row.birth != NO_BIRTH and row.birth != (person.birth_year, person.birth_month, person.birth_day):
        changes["birth"] = row.birth
    for kind, values in (("phone", row.phones), ("email", row.emails)):
        if fresh := [value for value in values if (kind, point_hash(kind, value)) not in points]:
            held = [unseal(value) for (held_kind, _), value in points.items() if held_kind == kind]
            changes[f"{kind}s"] = held + fresh
    return changes
