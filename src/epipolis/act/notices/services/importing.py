"""A table of how people want to be told: bad rows are named, good ones stored, and the same file again changes nothing.

Nobody is made anew: a row is about somebody who is known, by a number. What people said themselves is not overwritten.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.models import Channel, Preference
from epipolis.core import audit
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, match_columns, read_columns, read_rows, row_count
from epipolis.sense.people import queries as people

from .stopping import THE_PERSON, prefer

PREFERENCE_FIELDS = {
    "person": gettext_noop("the person's number on this platform, as in the download"),
    "national_id": gettext_noop("number of the identity card"),
    "number": gettext_noop("the person's number at the source of the file"),
    "source": gettext_noop("whose number it is, where it is not the file's own source"),
    "channels": gettext_noop("channels in their order, such as sms; email. A dash: as the rule says. Empty: unchanged"),
    "language": gettext_noop("language code, such as en, es or zh-Hant. A dash: as in the record. Empty: unchanged"),
    "stopped": gettext_noop("channels that the person does not want. A dash: none. Empty: unchanged"),
}
_KEYS = ("person", "national_id", "number")
_TOLD = ("channels", "language", "stopped")
_ALSO = {
    "person": ("person_id",),
    "national_id": ("id_number", "身分證字號"),
    "number": ("id", "key", "編號"),
    "source": ("source_of_number", "fuente", "來源"),
    "channels": ("channel", "order", "channel_order", "canales", "管道"),
    "language": ("lang", "idioma", "語言"),
    "stopped": ("stop", "never", "do_not_contact_by", "nunca", "不要"),
}
_CHANNELS = {
    Channel.SMS: ("text", "text message", "mensaje", "簡訊"),
    Channel.EMAIL: ("e-mail", "mail", "correo", "電子郵件"),
    Channel.WHATSAPP: (),
    Channel.VOICE: ("call", "phone", "telephone", "llamada", "電話"),
    Channel.PUSH: ("push message",),
    Channel.LETTER: ("post", "carta", "信件"),
    Channel.IN_APP: ("own page", "app"),
}
_WORDS = {word: str(channel) for channel, words in _CHANNELS.items() for word in (str(channel), *words)}
NOBODY = gettext_noop("nobody here has this number")
_BATCH = 2_000
Told = dict[str, Any]
Number = tuple[str, str]


class _RowError(ValueError):
    """A cell that breaks a rule."""

    def __init__(self, field: str, rule: str, value: str = "") -> None:
        super().__init__(rule)
        self.field, self.rule, self.value = field, rule, value


@dataclass(frozen=True, slots=True)
class _Line:
    """One row: whom it is about, and what it tells; what it does not tell is not there."""

    row: int
    field: str
    number: Number
    told: Told


def import_preferences(path: Path, options: ImportOptions) -> ImportReport:
    """Take a table of preferences, some thousand rows in one transaction.

    Raises:
        ValueError: the file cannot be read as a table, or no column says about whom or what.
    """
    options = replace(options, source=(options.source or path.stem)[:60])
    mapping = _mapping(path, options)
    report, seen, total = ImportReport(dry_run=options.dry_run, mapping=mapping), dict[UUID, int](), row_count(path)
    with transaction.atomic() if options.dry_run else nullcontext():
        for batch in batches(read_rows(path), _BATCH):
            with transaction.atomic():
                _take(_read(batch, report, options), report, seen, options)
            options.progress(report.accepted + report.rejected, total, "preferences")
        if options.dry_run:
            transaction.set_rollback(True)
    report.problems.sort(key=lambda one: one.row)
    if report.accepted and not options.dry_run:
        counts: dict[str, Any] = {"created": report.created, "changed": report.changed, "rejected": report.rejected}
        audit.record("notices.import", by=options.by, at=options.at, subject=options.source, **counts)
    return report


def _mapping(path: Path, options: ImportOptions) -> dict[str, str]:
    given = options.mapping
    found = dict(given) if isinstance(given, Mapping) else _guessed(read_columns(path))
    if unknown := set(found.values()) - PREFERENCE_FIELDS.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: no such field of a preference")
    if not set(found.values()) & set(_KEYS):
        raise ValueError(f"{path.name}: no column says whom a row is about")
    if not set(found.values()) & set(_TOLD):
        raise ValueError(f"{path.name}: no column says how people want to be told")
    return found


def _guessed(columns: Sequence[str]) -> dict[str, str]:
    return match_columns(columns, {name: field for field in PREFERENCE_FIELDS for name in (field, *_ALSO.get(field, ()))})


def _read(batch: list[tuple[int, Row]], report: ImportReport, options: ImportOptions) -> list[_Line]:
    found = []
    for number, row in batch:
        try:
            if row.get(""):
                raise _RowError("", "more cells than columns" if len(row) > 1 else "the row cannot be read")
            found.append(_line(number, {field: row.get(column, "") for column, field in report.mapping.items()}, options))
        except _RowError as error:
            report.reject(number, error.field, error.rule, error.value)
    return found


def _line(number: int, cells: Mapping[str, str], options: ImportOptions) -> _Line:
    field = next((key for key in _KEYS if cells.get(key)), "")
    if not field:
        raise _RowError("number", gettext_noop("nothing says whom this row is about"))
    kind = {"person": "", "national_id": "national_id"}.get(field, cells.get("source") or options.source)
    told: Told = {name: _channels(name, cells[name]) for name in ("channels", "stopped") if cells.get(name)}
    if cells.get("language"):
        told["language"] = _language(cells["language"])
    if not told:
        raise _RowError("channels", gettext_noop("nothing says how this person wants to be told"))
    if both := [one for one in told.get("channels", ()) if one in told.get("stopped", ())]:
        raise _RowError("stopped", gettext_noop("stands among the channels that are wanted as well"), both[0])
    return _Line(number, field, (kind, cells[field]), told)


def _channels(field: str, text: str) -> list[str]:
    words = [one for part in re.split(r"[;,|>/、，；]", text) if (one := " ".join(part.casefold().split()))]
    if words == [queries.NOTHING]:
        return []
    if unknown := next((one for one in words if one not in _WORDS), ""):
        raise _RowError(field, gettext_noop("must name channels: sms, email, whatsapp, voice, push, letter, in_app"), unknown)
    found = list(dict.fromkeys(_WORDS[one] for one in words))
    if field == "stopped" and Channel.IN_APP in found:
        raise _RowError(field, gettext_noop("the own page shows every message and cannot be stopped"), str(Channel.IN_APP))
    return found


def _language(text: str) -> str:
    wanted = text.casefold().replace("_", "-").strip()
    if wanted == queries.NOTHING:
        return ""
    found = queries.language_of(wanted)
    if found.split("-")[0] != wanted.split("-")[0]:
        raise _RowError("language", gettext_noop("must be a language of this platform"), text)
    return found


def _take(lines: list[_Line], report: ImportReport, seen: dict[UUID, int], options: ImportOptions) -> None:
    who = _people(lines)
    held = queries.preferences(set(who.values()))
    for line in lines:
        try:
            person = _person(line, who, seen)
            _apply(line, person, held.get(person), report, options)
        except _RowError as error:
            report.reject(line.row, error.field, error.rule, error.value)


def _people(lines: list[_Line]) -> dict[int, UUID]:
    """Whom each row is about, where that is known."""
    by_number = people.numbered({line.number for line in lines if line.field != "person"})
    told = {line.row: _as_id(line.number[1]) for line in lines if line.field == "person"}
    own = {row: person for row, person in told.items() if person is not None}
    holders = {person: cluster[0] for person, cluster in people.same_people(set(own.values())).items()}
    here = people.registered(set(holders.values()))
    found = {row: holders[person] for row, person in own.items() if holders[person] in here}
    return found | {line.row: by_number[line.number] for line in lines if line.number in by_number}


def _person(line: _Line, who: Mapping[int, UUID], seen: dict[UUID, int]) -> UUID:
    if line.row not in who:
        raise _RowError(line.field, NOBODY)
    person = who[line.row]
    if person in seen:
        raise _RowError(line.field, f"this person stands already in row {seen[person]}")
    seen[person] = line.row
    return person


def _apply(line: _Line, person: UUID, held: Preference | None, report: ImportReport, options: ImportOptions) -> None:
    before = (held.channels, held.language, held.stopped) if held else ([], "", [])
    channels, language, named = (line.told.get(name, old) for name, old in zip(_TOLD, before, strict=True))
    stopped = [one for one in Channel.values if one in named]
    if not_wanted := [one for one in channels if one in stopped]:
        raise _RowError("channels", gettext_noop("this person does not want to be told by this channel"), not_wanted[0])
    if held and (channels, language, stopped) == before:
        report.accepted, report.unchanged = report.accepted + 1, report.unchanged + 1
        return
    if held and held.changed_by == THE_PERSON:
        raise _RowError(line.field, gettext_noop("this person has said it themselves, and what they said stays"))
    try:
        prefer(person, channels=channels, language=language, stopped=stopped, by=options.by, at=options.at)
    except LookupError as error:
        raise _RowError(line.field, NOBODY) from error
    report.accepted += 1
    report.created, report.changed = report.created + (held is None), report.changed + (held is not None)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
