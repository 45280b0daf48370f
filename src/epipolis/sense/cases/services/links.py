"""Who infected whom, from a file of its own: each row adds to a case that is known already, and takes nothing away."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core.imports import ImportOptions, Row
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case

from .changes import revise_case
from .facts import FactsError
from .rows import ReadRow, RowReader


def import_links(rows: Iterable[tuple[int, Row]], reader: RowReader, *, source: str, options: ImportOptions) -> None:
    """Add each link to its case. A second infector of one case is kept in its note, with a warning."""
    report = reader.report
    for number, cells in rows:
        row = reader.read(number, cells)
        if row is None:
            continue
        with transaction.atomic():
            case = Case.objects.select_for_update().filter(id=row.id).first()
            if case is None:
                report.reject(number, "source_key", gettext_noop("no case has this number"), row.source_key)
                continue
            infector = row.facts.get("infected_by")
            if infector and queries.case_source(infector) is None:
                rule = gettext_noop("the case that infected this one is not in the line list yet")
                report.warn(number, "infected_by", rule, row.infectors[0])
            changes = _changes(case, row, reader)
            try:
                after = case if options.dry_run else _revise(case, changes, source, options)
            except FactsError as error:
                report.reject(number, error.broken[0].field, error.broken[0].rule, row.source_key)
                continue
        is_new = bool(changes) if options.dry_run else after.revision != case.revision
        report.accepted += 1
        report.changed += is_new
        report.unchanged += not is_new
        options.progress(report.accepted, report.accepted + 1, "")


def _revise(case: Case, changes: dict[str, Any], source: str, options: ImportOptions) -> Case:
    return revise_case(case.id, changes, by=options.by, at=options.at, action="cases.import", origin=f"{source} links")


def _changes(case: Case, row: ReadRow, reader: RowReader) -> dict[str, Any]:
    infector = row.facts.get("infected_by")
    told = {name: value for name, value in row.facts.items() if value not in (None, "") and name != "infected_by"}
    if infector is None or case.infected_by in (None, infector):
        told |= {"infected_by": infector} if infector else {}
        if "note" in told:
            told["note"] = _with_line(case.note, told["note"])
        return {name: value for name, value in told.items() if getattr(case, name) != value}
    rule = gettext_noop("another case is believed to have infected this one; kept in the note")
    reader.report.warn(row.number, "infected_by", rule, row.infectors[0])
    setting = f" ({told['setting']})" if told.get("setting") else ""
    note = _with_line(case.note, f"infected by: {row.infectors[0]}{setting}")
    return {} if note == case.note else {"note": note[:4_000]}


def _with_line(note: str, line: str) -> str:
    return note if line in note.split("; ") else "; ".join(filter(None, [note, line]))
