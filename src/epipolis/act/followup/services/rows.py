"""Cells of a table of contacts as values: who, whom they met, when; what is empty stays empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_noop

from epipolis.act.followup.models import Order
from epipolis.core import clock
from epipolis.core.imports import Row
from epipolis.sense.cases.services.values import CellError, read_day
from epipolis.sense.people.services import IMPORT_FIELDS, PersonError, PersonRow
from epipolis.sense.people.services.reading import guess_beside, read_person
from epipolis.sense.people.services.rows import check_row

OWN_FIELDS = {
    "case": gettext_noop("number of the case whom they met"),
    "case_source": gettext_noop("source of that case, where several sources use the same numbers"),
    "disease": gettext_noop("disease, where the case is not in the line list"),
    "relation": gettext_noop("relation to the case"),
    "category": gettext_noop("category of the contact"),
    "risk": gettext_noop("high, medium or low"),
    "first_contact": gettext_noop("day of the first contact"),
    "last_contact": gettext_noop("day of the last contact"),
    "sampled": gettext_noop("day of the contact's first positive sample"),
    "reported": gettext_noop("day on which the contact was reported"),
    "follow_up_until": gettext_noop("last day of the follow-up, where the sender decided it"),
    "quarantine_from": gettext_noop("first day of an ordered quarantine"),
    "quarantine_until": gettext_noop("last day of an ordered quarantine"),
    "order": gettext_noop("verbal or official"),
    "note": gettext_noop("anything else"),
}
FIELDS = OWN_FIELDS | IMPORT_FIELDS
_ALSO = {
    "case": ("source_case", "case_number", "case_id", "index_case", "from", "caso", "個案編號"),
    "case_source": ("source",),
    "relation": ("relation_to_case", "relationship", "relación", "關係"),
    "category": ("contact_category", "contact_type", "exposure", "categoría"),
    "risk": ("risk_level", "riesgo", "風險"),
    "first_contact": ("first_contact_date", "date_of_first_contact", "primer_contacto"),
    "last_contact": ("last_contact_date", "date_of_last_contact", "contact_date", "último_contacto", "最後接觸日"),
    "sampled": ("first_positive_sample", "sample_date"),
    "reported": ("report_date", "date_of_reporting", "reported_date", "fecha_notificación"),
    "follow_up_until": ("followup_until", "follow_up_end", "end_of_follow_up"),
    "quarantine_from": ("quarantine_start",),
    "quarantine_until": ("quarantine_to", "quarantine_end"),
    "order": ("quarantine_order",),
    "note": ("notes", "comment", "comments", "nota", "備註"),
    "number": ("contact_id", "contact", "to"),
}
DAYS = ("first_contact", "last_contact", "sampled", "reported", "follow_up_until", "quarantine_from", "quarantine_until")
_RISKS = {
    "high": ("high", "h", "1", "alto", "高"),
    "medium": ("", "medium", "moderate", "m", "2", "medio", "中"),
    "low": ("low", "l", "3", "bajo", "低"),
}
_RISK_WORDS = {word: risk for risk, words in _RISKS.items() for word in words}
_LONGEST = {"relation": 100, "category": 100, "disease": 40, "case": 100, "case_source": 100, "note": 2_000}


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One row of a table of contacts; days that the row does not tell are None."""

    number: int
    person: PersonRow
    cells: Mapping[str, str]
    risk: str
    days: Mapping[str, date | None] = field(default_factory=dict)
    order: str = ""

    def day(self, name: str) -> date | None:
        return self.days.get(name)


def mapping_of(columns: Sequence[str]) -> dict[str, str]:
    """Which column holds which field, by name: first what is of contacts, then what is of people."""
    return guess_beside(columns, OWN_FIELDS, _ALSO)


def read_contact(
    number: int, row: Row, mapping: Mapping[str, str], orders: Mapping[str, bool], *, source: str, at: datetime, simulated: bool
) -> ContactRow:
    """One row as a contact.

    Raises:
        PersonError: a cell cannot be read or breaks a rule; it names the field.
    """
    if row.get(""):
        raise PersonError("", "more cells than columns" if len(row) > 1 else "the row cannot be read")
    cells = {key: row.get(column, "").strip() for column, key in mapping.items()}
    person = read_person(row, _of_people(mapping), source=source, around=None, simulated=simulated)
    check_row(person, at=at)
    if not (person.identifiers or person.given_name or person.family_name or person.phones or person.emails):
        raise PersonError("given_name", "nothing says who this is")
    for key, most in _LONGEST.items():
        if len(cells.get(key, "")) > most:
            raise PersonError(key, f"must have at most {most} characters")
    risk = _RISK_WORDS.get(cells.get("risk", "").casefold())
    if risk is None:
        raise PersonError("risk", "must be high, medium or low")
    order = cells.get("order", "").casefold()
    if order not in Order.values:
        raise PersonError("order", "must be verbal, official or empty")
    days = {key: _day(key, cells.get(key, ""), orders) for key in DAYS}
    _check_days(days, today=clock.local_day(at))
    return ContactRow(number, person, cells, risk, days, order)


def _of_people(mapping: Mapping[str, str]) -> dict[str, str]:
    return {column: key for column, key in mapping.items() if key in IMPORT_FIELDS}


def _day(key: str, text: str, orders: Mapping[str, bool]) -> date | None:
    if not text:
        return None
    try:
        return read_day(text, clock.zone(), orders.get(key, True))
    except CellError as error:
        raise PersonError(key, str(error)) from error


def _check_days(days: Mapping[str, date | None], *, today: date) -> None:
    for key in ("first_contact", "last_contact", "sampled", "reported"):
        day = days[key]
        if day is not None and day > today:
            raise PersonError(key, "must not lie in the future")
    for first, last in (("first_contact", "last_contact"), ("quarantine_from", "quarantine_until")):
        begin, end = days[first], days[last]
        if begin and end and begin > end:
            raise PersonError(last, f"lies before {first}")
    if days["quarantine_until"] and not days["quarantine_from"]:
        raise PersonError("quarantine_from", "must be given with the last day of a quarantine")


def content_of(row: ContactRow) -> str:
    """All that a row says, by which it is known when it has no number."""
    who: Any = (row.person.identifiers, row.person.given_name, row.person.family_name, row.person.birth, row.person.phones)
    return "\x1f".join([repr(who), *(f"{key}\x1e{row.cells[key]}" for key in sorted(row.cells) if row.cells[key])])
