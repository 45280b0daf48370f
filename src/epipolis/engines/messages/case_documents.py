"""One case as it travels between offices: the person, the illness and its dates, symptoms, tests and contacts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any

from epipolis.engines.messages.reports import NO_BIRTH, Birth, MessageError, Patient

CLASSIFICATIONS = ("suspected", "probable", "confirmed", "not_a_case")
OUTCOMES = ("", "ill", "recovered", "died")
STATES = ("yes", "no", "unknown")


@dataclass(frozen=True, slots=True)
class DocumentTest:
    """One test of the case; kind, result and status as findings have them."""

    source: str = ""
    source_ref: str = ""
    kind: str = ""
    disease: str = ""
    result: str = ""
    status: str = "final"
    specimen: str = ""
    sampled_at: datetime | None = None
    resulted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentContact:
    """One contact of the case: who it is, and from when to when they met."""

    ref: str = ""
    given: str = ""
    family: str = ""
    birth: Birth = NO_BIRTH
    sex: str = ""
    phones: tuple[str, ...] = ()
    relation: str = ""
    category: str = ""
    first_contact: date | None = None
    last_contact: date | None = None


@dataclass(frozen=True, slots=True)
class CaseDocument:
    """A case with what belongs to it. Days are local calendar days; None and "" are not known.

    `symptoms` and `circumstances` are (name, "yes"|"no"|"unknown"); what is not there was not asked.
    """

    case_id: str
    disease: str
    source: str = ""
    person: Patient = field(default_factory=Patient)
    classification: str = "suspected"
    outcome: str = ""
    exposed_from: date | None = None
    exposed_until: date | None = None
    onset: date | None = None
    sampled: date | None = None
    reported: date | None = None
    confirmed: date | None = None
    hospitalised: date | None = None
    isolated: date | None = None
    ended: date | None = None
    has_symptoms: bool | None = None
    age_from: int | None = None
    age_to: int | None = None
    district: str = ""
    neighbourhood: str = ""
    region: str = ""
    setting: str = ""
    infected_by: str = ""
    note: str = ""
    symptoms: tuple[tuple[str, str], ...] = ()
    circumstances: tuple[tuple[str, str], ...] = ()
    tests: tuple[DocumentTest, ...] = ()
    contacts: tuple[DocumentContact, ...] = ()


DAYS = (
    *("exposed_from", "exposed_until", "onset", "sampled", "reported", "confirmed"),
    *("hospitalised", "isolated", "ended"),
)
TEXTS = ("outcome", "district", "neighbourhood", "region", "setting", "infected_by", "note")
NUMBERS = ("age_from", "age_to")


def day_of(text: str, where: str) -> date | None:
    """A day written YYYY-MM-DD or YYYYMMDD; None for "".

    Raises:
        MessageError: it is no day.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10] if "-" in text else text[:8])
    except ValueError as error:
        raise MessageError(where, "is no day", text) from error


def facts_of(told: Mapping[str, str], where: str) -> dict[str, Any]:
    """The fields of a case from texts by their names; names of other fields are passed over.

    Raises:
        MessageError: a day, an age or a classification is none; `where` and the name tell which.
    """
    made: dict[str, Any] = {name: day_of(told[name], f"{where} {name}") for name in DAYS if told.get(name)}
    made |= {name: told[name] for name in TEXTS if told.get(name)}
    for name in NUMBERS:
        if text := told.get(name, ""):
            if not (text.isascii() and text.isdigit() and len(text) <= 3):
                raise MessageError(f"{where} {name}", "is no age", text)
            made[name] = int(text)
    if "outcome" in made and made["outcome"] not in OUTCOMES:
        raise MessageError(f"{where} outcome", f"must be one of {', '.join(OUTCOMES[1:])}", made["outcome"])
    if text := told.get("classification", ""):
        if text not in CLASSIFICATIONS:
            raise MessageError(f"{where} classification", f"must be one of {', '.join(CLASSIFICATIONS)}", text)
        made["classification"] = text
    if text := told.get("has_symptoms", ""):
        if text not in ("yes", "no"):
            raise MessageError(f"{where} has_symptoms", "must be yes or no", text)
        made["has_symptoms"] = text == "yes"
    return made


def facts_text(document: CaseDocument) -> dict[str, str]:
    """The facts of a case as texts by their names, without those that are not known; `facts_of` reads them."""
    made = {name: day.isoformat() for name in DAYS if (day := getattr(document, name)) is not None}
    made |= {name: text for name in (*TEXTS, "classification") if (text := getattr(document, name))}
    made |= {name: str(number) for name in NUMBERS if (number := getattr(document, name)) is not None}
    if document.has_symptoms is not None:
        made["has_symptoms"] = "yes" if document.has_symptoms else "no"
    return made


def lost(before: CaseDocument, after: CaseDocument) -> list[tuple[str, str, str]]:
    """(field, before, after) of everything that a document says differently after a journey, as text; nothing if all is kept.

    Entries of a list have their place in the name: tests[1].specimen.
    """
    return [(name, _shown(one), _shown(other)) for name, one, other in _unlike(before, after, "")]


def _unlike(one: Any, other: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    if is_dataclass(one) and type(one) is type(other):
        for part in fields(one):
            yield from _unlike(getattr(one, part.name), getattr(other, part.name), f"{name}.{part.name}" if name else part.name)
    elif isinstance(one, tuple) and isinstance(other, tuple) and any(map(is_dataclass, (*one, *other))):
        for number in range(max(len(one), len(other))):
            left, right = (values[number] if number < len(values) else None for values in (one, other))
            yield from _unlike(left, right, f"{name}[{number}]")
    elif one != other:
        yield name, one, other


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if is_dataclass(value):
        told = ((part.name, _shown(getattr(value, part.name))) for part in fields(value))
        return ", ".join(f"{name} {text}" for name, text in told if text)
    if isinstance(value, tuple):
        return "; ".join(text for one in value if (text := _shown(one)))
    return value.isoformat() if isinstance(value, date) else str(value)
