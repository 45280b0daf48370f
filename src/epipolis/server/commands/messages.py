"""`epipolis messages`: what a laboratory's message says, and how our FHIR of it differs from another converter's.

Needs no database: it is for the day on which a laboratory is connected and somebody asks what it sends.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from epipolis.engines.messages import (
    Comparison,
    LabReport,
    MessageError,
    NoResultError,
    Patient,
    compare_fhir,
    read_fhir,
    read_hl7,
    read_results_table,
    write_fhir,
)

_MOST = 16 * 2**20


class Action(StrEnum):
    """What to do with the messages."""

    read = "read"
    compare = "compare"


def messages(
    action: Annotated[
        Action, typer.Argument(help="read: what each says; compare: an HL7 message and the FHIR expected of it.")
    ],
    files: Annotated[list[Path], typer.Argument(help="HL7 v2, FHIR JSON or CSV files; for compare FILE.hl7 EXPECTED.json.")],
    zone: Annotated[str, typer.Option(help="Zone of times that name none, such as Asia/Taipei.")] = "UTC",
    brief: Annotated[bool, typer.Option(help="With compare: only how many fields differ and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False,
) -> None:
    """Print what laboratory messages say, or compare one with the FHIR that is expected of it; nothing is stored."""
    where = _zone(zone)
    if action is Action.read:
        _read_all(files, where, as_json)
    else:
        if len(files) != 2:
            raise ValueError("compare wants two files: FILE.hl7 EXPECTED.json")
        _compare(files[0], files[1], where, brief, as_json)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no zone {name!r}") from error


def _bytes_of(file: Path) -> bytes:
    if file.stat().st_size > _MOST:
        raise ValueError(f"{file.name} is larger than {_MOST} bytes")
    return file.read_bytes()


def _read(file: Path, zone: ZoneInfo) -> list[LabReport | MessageError]:
    """The reports of a file, and what is wrong with it or with its rows."""
    raw = _bytes_of(file)
    try:
        if file.suffix.lower() == ".csv":
            text = raw.decode("utf-8-sig", errors="replace")
            return list(read_results_table(csv.reader(text.splitlines()), zone, sender=file.stem))
        is_json = file.suffix.lower() == ".json" or raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
        return [*(read_fhir if is_json else read_hl7)(raw, zone)]
    except (MessageError, csv.Error) as error:
        return [error if isinstance(error, MessageError) else MessageError(file.name, str(error))]


def _read_all(files: list[Path], zone: ZoneInfo, as_json: bool) -> None:
    found = {file: _read(file, zone) for file in files}
    if as_json:
        told = {str(file): [_plain(one) for one in every] for file, every in found.items()}
        print(json.dumps(told, ensure_ascii=False, default=_text))
    else:
        console = Console()
        for file, every in found.items():
            console.rule(_cell(file.name))
            for one in every:
                _show(console, one)
    broken = [one for every in found.values() for one in every if isinstance(one, MessageError)]
    if any(not isinstance(one, NoResultError) for one in broken):
        sys.exit(1)


def _plain(one: LabReport | MessageError) -> dict[str, Any]:
    if isinstance(one, LabReport):
        return asdict(one)
    patient = one.patient if isinstance(one, NoResultError) else None
    told = {"error": str(one), "where": one.where, "rule": one.rule, "value": one.value}
    return told | ({"patient": asdict(patient)} if patient else {})


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _show(console: Console, one: LabReport | MessageError) -> None:
    if isinstance(one, NoResultError):
        about = f"; it is about {_name(one.patient)}" if one.patient and _name(one.patient) else ""
        console.print(_cell(f"{one.value}: no laboratory result in it{about}"))
    elif isinstance(one, MessageError):
        console.print(_cell(f"refused: {one}"))
    else:
        _show_report(console, one)


def _show_report(console: Console, report: LabReport) -> None:
    about = Table(show_header=False)
    for name, value in _facts(report):
        about.add_row(name, _cell(value))
    console.print(about)
    if report.findings:
        table = Table("test", "result", "status", "value", "kind", "disease", "observed", "device")
        for one in report.findings:
            value = f"{one.value} {one.unit}".strip()
            seen = one.observed_at.isoformat(" ", "minutes") if one.observed_at else ""
            cells = (one.text or one.code, one.result, one.status, value, one.kind, one.disease, seen, one.device)
            table.add_row(*map(_cell, cells))
        console.print(table)
    for mark in report.marks:
        console.print(_cell(f"not as meant: {mark.where} {mark.rule} {mark.value}".strip()))


def _cell(text: str) -> Text:
    """A message's text as it stands: no markup, and no signs that steer a terminal."""
    return Text("".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text))


def _facts(report: LabReport) -> Iterator[tuple[str, str]]:
    patient, specimen = report.patient, report.specimen
    told = {
        "message": f"{report.message_id}{' (a test message)' if report.is_test_message else ''}",
        "sender": report.sender,
        "laboratory": report.laboratory,
        "order": " / ".join(one for one in (report.order, report.placer_order) if one),
        "ordered by": report.ordered_by,
        "report": f"{report.text or report.code} ({report.status})",
        "reported": report.reported_at,
        "patient": _name(patient),
        "born": "-".join(f"{part:02}" for part in patient.birth if part is not None),
        "sex": patient.sex,
        "numbers": ", ".join(f"{kind} {value}" for kind, value, _ in patient.identifiers),
        "reached by": ", ".join((*patient.phones, *patient.emails)),
        "address": ", ".join(one for one in (patient.address, patient.postcode, patient.city, patient.country) if one),
        "specimen": " ".join(one for one in (specimen.ref, specimen.kind) if one),
        "taken": specimen.taken_at,
        "received": specimen.received_at,
        "rejected": specimen.rejected,
        "onset": report.onset,
        "told with the order": ", ".join(f"{name} {said}" for name, said in report.answers),
        "note": report.note,
    }
    for name, value in told.items():
        if value:
            yield name, _text(value)


def _name(patient: Patient) -> str:
    return " ".join(one for one in (patient.given, patient.family) if one)


def _compare(file: Path, expected: Path, zone: ZoneInfo, brief: bool, as_json: bool) -> None:
    ours = write_fhir(read_hl7(_bytes_of(file), zone))
    try:
        theirs = json.loads(_bytes_of(expected))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{expected.name} is no JSON: {error}") from error
    if not isinstance(theirs, dict):
        raise ValueError(f"{expected.name} is no FHIR bundle")
    made = compare_fhir(ours, theirs)
    if as_json:
        print(json.dumps({"equal": made.equal, "differences": [asdict(one) for one in made.differences]}, ensure_ascii=False))
        return
    _show_comparison(made, brief)


def _show_comparison(made: Comparison, brief: bool) -> None:
    console = Console()
    unknown = [one for one in made.differences if not one.reason]
    console.print(f"{made.equal} fields equal, {len(made.differences)} different, {len(unknown)} of them for no known reason")
    reasons = Table("fields", "why they differ")
    for reason, count in Counter(one.reason for one in made.differences).most_common():
        reasons.add_row(str(count), reason or "no known reason")
    if made.differences:
        console.print(reasons)
    if brief or not made.differences:
        return
    table = Table("resource", "field", "ours", "expected", "why")
    for one in sorted(made.differences, key=lambda one: bool(one.reason)):
        table.add_row(*map(_cell, (one.resource, one.field, one.ours, one.expected, one.reason)))
    console.print(table)
