"""A document in words: what the pages show of it, and what a format cannot tell."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from epipolis.core import clock
from epipolis.engines.messages import CaseDocument
from epipolis.engines.messages.case_documents import DAYS, lost
from epipolis.engines.messages.case_merging import flat
from epipolis.engines.messages.loss_tables import journeys
from epipolis.engines.messages.reports import MessageError, Patient
from epipolis.sense.cases.models import Case, CaseTest, Circumstance, Classification, Outcome, State, Symptom
from epipolis.sense.people.queries import kind_text

FORMATS = ("FHIR", "HL7", "CSV")
_PERSON = {
    "identifiers": gettext_lazy("numbers"),
    "given": gettext_lazy("given name"),
    "family": gettext_lazy("family name"),
    "birth": gettext_lazy("date of birth"),
    "sex": gettext_lazy("sex"),
    "phones": gettext_lazy("telephone"),
    "emails": gettext_lazy("e-mail"),
    "address": gettext_lazy("address"),
    "city": gettext_lazy("city"),
    "region": gettext_lazy("region of the address"),
    "postcode": gettext_lazy("postcode"),
    "country": gettext_lazy("country"),
    "language": gettext_lazy("language"),
    "died": gettext_lazy("died"),
    "died_at": gettext_lazy("time of death"),
}
_PARTS = {
    "symptoms": gettext_lazy("symptoms"),
    "circumstances": gettext_lazy("circumstances"),
    "tests": gettext_lazy("tests"),
    "contacts": gettext_lazy("contacts"),
    "case_id": gettext_lazy("number of the case"),
    "source": gettext_lazy("source"),
    "person": gettext_lazy("person"),
}
_CHOICES: dict[str, Any] = {"classification": Classification, "outcome": Outcome}


def label(name: str) -> str:
    """What a field of a document is called: onset, person.given, tests[1].specimen, symptoms.cough."""
    group, _dot, part = re.sub(r"\[\d+\]", "", name).partition(".")
    if group == "person" and part:
        return str(_PERSON.get(part, part))
    if group in ("symptoms", "circumstances") and part:
        return str(dict((Symptom if group == "symptoms" else Circumstance).choices).get(part, part))
    if group in _PARTS:
        return str(_PARTS[group]) + (f": {part.replace('_', ' ').replace('|', ' ')}" if part and group != "contacts" else "")
    try:
        return str(Case._meta.get_field(group).verbose_name)  # type: ignore[union-attr]  # -- every field of ours has one
    except LookupError:
        return group


def losses_by_format(documents: Iterable[CaseDocument]) -> list[tuple[str, list[str]]]:
    """Each format with the names of the fields that it cannot tell of these cases; a format that cannot tell one at all
    says why instead."""
    found: dict[str, dict[str, None]] = {name: {} for name in FORMATS}
    for document in documents:
        try:
            made = journeys(document)
        except MessageError as error:
            for names in found.values():
                names[str(error)] = None
            continue
        for name, after in made.items():
            found[name] |= dict.fromkeys(label(field) for field, _before, _after in lost(document, after))
    return [(name, list(names)) for name, names in found.items()]


def facts_in_words(document: CaseDocument) -> list[tuple[str, str]]:
    """The illness: (label, value) of everything that is told."""
    rows = [(_("disease"), document.disease), (label("case_id"), document.case_id), (label("source"), document.source)]
    for name in ("classification", "outcome", *DAYS, "has_symptoms", "age_from", "age_to", "district", "neighbourhood"):
        rows.append((label(name), value_in_words(name, getattr(document, name))))
    for name in ("region", "setting", "note"):
        rows.append((label(name), getattr(document, name)))
    for name in ("symptoms", "circumstances"):
        told = ", ".join(f"{label(f'{name}.{one}')}: {_state(said)}" for one, said in getattr(document, name))
        rows.append((label(name), told))
    return [(name, value) for name, value in rows if value]


def person_in_words(person: Patient) -> list[tuple[str, str]]:
    """The person: (label, value) of everything that is told."""
    rows = []
    for name, text in _PERSON.items():
        value = getattr(person, name)
        if name == "identifiers":
            rows += [(kind_text(kind) if kind != "pseudonym" else _("pseudonym"), number) for kind, number, _issuer in value]
        elif name == "birth":
            rows.append((str(text), "-".join(f"{part:02d}" if part else "?" for part in value) if any(value) else ""))
        else:
            rows.append((str(text), ", ".join(value) if isinstance(value, tuple) else value_in_words(name, value)))
    return [(name, value) for name, value in rows if value]


def tests_in_words(document: CaseDocument) -> list[dict[str, Any]]:
    """The tests with their words."""
    words: dict[str, Any] = {"kind": CaseTest.Kind, "result": CaseTest.Result, "status": CaseTest.Status}
    made = []
    for one in document.tests:
        told: dict[str, Any] = {name: getattr(one, name) for name in words}
        said: dict[str, Any] = {name: str(dict(words[name].choices).get(value, value)) for name, value in told.items()}
        day = {"day": one.sampled_at or one.resulted_at, "source": one.source, "number": one.source_ref}
        made.append(said | day)
    return made


def differences_in_words(before: CaseDocument, after: CaseDocument) -> list[tuple[str, str, str]]:
    """(label, before, after) of each field in which two documents differ."""
    one, other = flat(before), flat(after)
    names = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    return [(label(name), value_in_words(name, one.get(name)), value_in_words(name, other.get(name))) for name in names]


def first_values(document: CaseDocument | None) -> dict[str, Any]:
    """What a form of the facts begins with."""
    return {name: getattr(document, name) for name in ("classification", "outcome", *DAYS)} if document else {}


def value_in_words(name: str, value: Any) -> str:
    """One value in the reader's language; "" for what is not known."""
    if value in (None, "", ()):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in _CHOICES:
        return str(dict(_CHOICES[name].choices).get(value, value))
    if isinstance(value, datetime):
        return value.astimezone(clock.zone()).isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if name.startswith(("symptoms.", "circumstances.")):
        return _state(value)
    return str(value)


def _state(said: str) -> str:
    return str(dict(State.choices).get(said, said))
