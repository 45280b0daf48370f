"""Importing: a table of results, each row of which is a message of its own (R21)."""

from pathlib import Path
from typing import NamedTuple

import msgspec
from django.utils.translation import gettext_noop

from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.engines.messages import MessageError
from epipolis.engines.messages.result_tables import RESULT_COLUMNS
from epipolis.sense.labs.models import LabMessage

from .envelopes import CSV, Incoming, digest_of
from .reading import read_row
from .receiving import receive_all

_BATCH = 1_000


class _Row(NamedTuple):
    number: int
    incoming: Incoming


def import_results(path: Path, options: ImportOptions, *, account: int | None = None) -> ImportReport:
    """Store every row that can be read as a message, and announce it; the same file again changes nothing.

    `account` is the device token that sent the table, which then speaks for its own laboratory only.

    Raises:
        ValueError: the file is no table, or has no column that tells a result.
    """
    report = ImportReport(dry_run=options.dry_run)
    columns = read_columns(path)
    report.mapping = {column: name for column in columns if (name := _named(column)) in RESULT_FIELDS}
    lacking = [column.name for column in RESULT_COLUMNS if column.must and column.name not in report.mapping.values()]
    if lacking:
        raise ValueError(f"{path.name}: the table lacks the columns {', '.join(lacking)}")
    total = row_count(path)
    for batch in batches(read_rows(path), _BATCH):
        found = [one for number, row in batch if (one := _checked(number, row, report, options, account)) is not None]
        _take(found, report, options)
        options.progress(min(batch[-1][0], total), total)
    return report


def _checked(number: int, row: Row, report: ImportReport, options: ImportOptions, account: int | None) -> _Row | None:
    if "" in row:
        report.reject(number, "", gettext_noop("does not fit the columns"))
        return None
    raw = msgspec.json.encode(row)
    try:
        [first, *_more] = read_row(raw)
    except MessageError as error:
        report.reject(number, error.where, error.rule)
        return None
    sender = first.laboratory or first.sender or options.source
    road = "import" if account is None else "http"
    number_there = first.message_id
    made = Incoming(raw, CSV, road, sender, account=account, message_id=number_there, simulated=options.simulated)
    return _Row(number, made)


def _take(found: list[_Row], report: ImportReport, options: ImportOptions) -> None:
    if options.dry_run:
        digests = [digest_of(one.incoming.raw) for one in found]
        known = set(LabMessage.objects.filter(digest__in=digests).values_list("digest", flat=True))
        new = [digest not in known for digest in digests]
    else:
        receipts = receive_all([one.incoming for one in found], by=options.by, at=options.at)
        new = [any(receipt.is_new for receipt in group) for group in receipts]
    report.accepted += len(new)
    report.created += sum(new)
    report.unchanged += len(new) - sum(new)


def _named(column: str) -> str:
    return column.strip().lower().replace(" ", "_")


RESULT_FIELDS: dict[str, str] = {column.name: column.meaning for column in RESULT_COLUMNS}
