"""Line lists in: each batch is checked, matched on its numbers and stored in one transaction, so that an import that was
cut off goes on where it stopped when it is run again, and a file that says nothing new changes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop
from psycopg.errors import UniqueViolation

from epipolis.core import audit, clock, live
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import ClassifiedBy
from epipolis.sense.cases.settings import settings
from epipolis.sense.people import services as people
from epipolis.sense.people.services.rows import check_row

from . import bulk
from .duplicates import ask_about
from .facts import FIELDS, NOTHING_KNOWN, STATES, broken_rules
from .links import import_links
from .mappings import choose, ready
from .rows import ReadRow, RowReader
from .seen import Seen

_SAMPLE = 500  # rows from which columns are guessed
_TRIES = 4
_SOURCE, _AUTOMATIC = str(ClassifiedBy.SOURCE), str(ClassifiedBy.AUTOMATIC)


def import_cases(path: Path, options: ImportOptions) -> ImportReport:
    """Take a line list: good rows are stored, every doubt is named with its row.

    Raises:
        ValueError: the file cannot be read at all, or no column holds the number of the case.
    """
    report = ImportReport(dry_run=options.dry_run)
    rows = read_rows(path)
    first = list(islice(rows, settings.import_rows))
    columns = list(dict.fromkeys(name for _, row in first for name in row if name)) or read_columns(path)
    sample = [row for _, row in first]
    mapping = choose(options.mapping, columns, sample[:_SAMPLE])
    report.mapping = dict(mapping.columns)
    known = ready().get(mapping.name)
    # A ready mapping knows whose numbers these are; whoever sends the file again, they are the same cases.
    source = ((known and known.source) or options.source or mapping.source or path.stem)[:60]
    reader = RowReader(mapping, sample, source=source, at=options.at, simulated=options.simulated, report=report)
    everything = chain(first, rows)
    if mapping.links:
        import_links(everything, reader, source=source, options=options)
    else:
        _import_rows(everything, reader, source=source, total=row_count(path), options=options)
    report.problems.sort(key=lambda problem: problem.row)
    return report


def _import_rows(
    rows: Iterator[tuple[int, Row]], reader: RowReader, *, source: str, total: int, options: ImportOptions
) -> None:
    done = 0
    with Seen() as seen:
        for batch in batches(rows, settings.import_rows):
            read = [row for number, cells in batch if (row := reader.read(number, cells))]
            _store(_once(read, seen, reader.report), reader, source=source, options=options)
            done += len(batch)
            options.progress(done, max(done, total), "")
        for number, text in seen.unknown_infectors(stored=not options.dry_run):
            rule = gettext_noop("the case that infected this one is not in the line list yet")
            reader.report.warn(number, "infected_by", rule, text)


def _once(rows: Sequence[ReadRow], seen: Seen, report: ImportReport) -> list[ReadRow]:
    """The rows whose number did not stand in an earlier row."""
    new = seen.add(rows)
    found = []
    for row in rows:
        if row.id in new:
            new.discard(row.id)
            found.append(row)
        else:
            report.reject(row.number, "source_key", gettext_noop("this number stands in an earlier row"), row.source_key)
    return found


def _store(rows: list[ReadRow], reader: RowReader, *, source: str, options: ImportOptions) -> None:
    if options.dry_run:
        _store_once(rows, reader, source=source, options=options)
        return
    for left in reversed(range(_TRIES)):
        before = reader.report.mark()
        try:
            with transaction.atomic():
                _store_once(rows, reader, source=source, options=options)
            return
        except UniqueViolation:  # somebody reported one of these numbers at the same moment: now it is found
            reader.report.go_back(before)
            if not left:
                raise


def _store_once(rows: list[ReadRow], reader: RowReader, *, source: str, options: ImportOptions) -> None:
    report, mapping = reader.report, reader.mapping
    known = queries.facts_by_id([row.id for row in rows], FIELDS)
    today = clock.local_day(options.at)
    fresh, differing, unchanged = [], [], 0
    for row in rows:
        before = known.get(row.id)
        facts = _new(row) if before is None else before | _with_answers(row, before)
        if not _may_be_true(row, facts, report, today):
            continue
        if before is None:
            row.facts = facts
            fresh.append(row)
        elif facts != before:
            differing.append(row)
        else:
            unchanged += 1
    _create(fresh, report, options=options)
    changed = bulk.revise(differing, report, by=options.by, at=options.at, dry_run=options.dry_run)
    report.created += len(fresh)
    report.changed += changed.revised
    report.unchanged += unchanged + changed.kept
    report.accepted += len(fresh) + unchanged + changed.revised + changed.kept
    if not options.dry_run and (fresh or changed.revised):
        counts: dict[str, Any] = {"created": len(fresh), "changed": changed.revised, "mapping": mapping.name}
        audit.record("cases.import", by=options.by, at=options.at, subject=source, **counts)
        live.tell("cases")


def _new(row: ReadRow) -> dict[str, Any]:
    """All facts of a new case; a classification that the file gives is the source's word, without one the rules decide.

    What another platform's rules concluded rests on tests that do not stand in the file: here it is that source's word.
    """
    if "classification" not in row.facts:
        return NOTHING_KNOWN | row.facts
    by_rules = row.classified_by == _AUTOMATIC and row.facts["classification"] == NOTHING_KNOWN["classification"]
    return NOTHING_KNOWN | row.facts | {"classified": _AUTOMATIC if by_rules else _word(row)}


def _word(row: ReadRow) -> str:
    return row.classified_by if row.classified_by in ClassifiedBy.values and row.classified_by != _AUTOMATIC else _SOURCE


def _with_answers(row: ReadRow, before: dict[str, Any]) -> dict[str, Any]:
    """What a row says; answers that the file does not ask for stay."""
    return row.facts | {name: before[name] | row.facts[name] for name in STATES if name in row.facts}


def _may_be_true(row: ReadRow, facts: dict[str, Any], report: ImportReport, today: Any) -> bool:
    possible = True
    for broken in broken_rules(facts, today=today):
        value = facts[broken.field] or ""
        if broken.impossible:
            report.reject(row.number, broken.field, broken.rule, value)
            possible = False
        else:
            report.warn(row.number, broken.field, broken.rule, value)
    return possible


def _create(rows: list[ReadRow], report: ImportReport, *, options: ImportOptions) -> None:
    whole = [_person_row(row, report, options.at) for row in rows]
    if rows and not options.dry_run:
        found = people.match_people(whole, by=options.by, at=options.at, match=options.match)
        bulk.create(rows, [match.person for match in found], by=options.by, at=options.at)
        report.linked += sum(match.band == "linked" and match.is_by_evidence for match in found)
        report.asked += sum(match.band == "asked" for match in found)
        ask_about([match.person for match in found if match.band == "linked"], at=options.at)


def _person_row(row: ReadRow, report: ImportReport, at: datetime) -> people.PersonRow:
    told = row.person
    own = [("national_id", told["national_id"])] if "national_id" in told else []
    given, _, family = reversed_name(told["name"]) if "name" in told else ("", "", "")
    numbers = [*own, (row.source, row.source_key)]
    whole = people.PersonRow(
        identifiers=numbers,
        given_name=told.get("given_name", given),
        family_name=told.get("family_name", family),
        birth=row.birth,
        sex=row.facts["sex"],
        address=told.get("address", ""),
        phones=[told["phone"]] if "phone" in told else [],
        emails=[told["email"]] if "email" in told else [],
        simulated=row.simulated,
    )
    if told or row.birth[0]:
        try:
            check_row(whole, at=at)
        except people.PersonError as error:
            report.warn(row.number, error.field, error.rule)
            return people.PersonRow(identifiers=numbers, simulated=row.simulated)
    return whole


def reversed_name(text: str) -> tuple[str, str, str]:
    """A whole name as given and family name: `Family, Given` is taken apart, anything else is kept whole."""
    family, comma, given = text.partition(",")
    return (given.strip(), comma, family.strip()) if comma else (text, "", "")
