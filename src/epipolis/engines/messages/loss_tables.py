"""What of a case each format keeps, measured: a case with every field filled goes out and comes back."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime

from epipolis.engines.messages.case_documents import (
    CaseDocument,
    DocumentContact,
    DocumentTest,
    facts_text,
    lost,
)
from epipolis.engines.messages.case_fhir import OWN_FACTS, read_case_fhir, write_case_fhir
from epipolis.engines.messages.case_hl7 import read_case_hl7, write_case_hl7
from epipolis.engines.messages.case_tables import read_cases_csv, write_cases_csv
from epipolis.engines.messages.reports import Patient

FORMATS = ("FHIR", "HL7", "CSV")
KEPT, OWN, PART, LOST = "kept", "kept, in a code of ours", "in part", "lost"
_AT = datetime(2026, 1, 20, 8, 30, tzinfo=UTC)


def full_case() -> CaseDocument:
    """An invented case with every field filled, and more than one of everything that may be many."""
    kinds = (("pcr", "positive"), ("antigen", "negative"), ("culture", "inconclusive"), ("antibody", "pending"))
    tests = tuple(
        DocumentTest("City Laboratory", f"R{n}", kind, "COVID-19", result, "preliminary", "nasopharyngeal swab", _AT, _AT)
        for n, (kind, result) in enumerate(kinds, start=1)
    )
    days = (date(2026, 1, 8), date(2026, 1, 10))
    contacts = tuple(
        DocumentContact(f"K{n}", "Ana María", "Núñez", (1951, n, None), "F", ("555-0102", "555-0103"), "mother", "close", *days)
        for n in (1, 2)
    )
    person = Patient(
        identifiers=(("national_id", "A123456789", "TW"), ("passport", "P7654321", "TWN")),
        given="小明",
        family="王",
        birth=(1980, 3, 14),
        sex="M",
        phones=("+886 2 5550100", "+886 912 555 010"),
        emails=("ming@example.org", "wang@example.org"),
        address="1 Main St",
        city="Taipei",
        region="TPE",
        postcode="100",
        country="TWN",
        language="zh-Hant",
        died=True,
        died_at=_AT,
    )
    return CaseDocument(
        case_id="C-0001",
        disease="COVID-19",
        source="City of Examples",
        person=person,
        classification="confirmed",
        outcome="died",
        **{name: date(2026, 1, day) for day, name in enumerate(_days(), start=1)},
        has_symptoms=True,
        age_from=45,
        age_to=49,
        district="Zhongzheng",
        neighbourhood="Nanmen",
        region="Taipei City",
        setting="household",
        infected_by="C-0000",
        note="First line; with | ^ & \\ ~ signs\nsecond line",
        symptoms=(("cough", "yes"), ("fever", "no"), ("loss_of_smell", "unknown")),
        circumstances=(("contact_of_case", "yes"), ("health_worker", "no")),
        tests=tests,
        contacts=contacts,
    )


def _days() -> Iterator[str]:
    yield from ("exposed_from", "exposed_until", "onset", "sampled", "reported", "confirmed")
    yield from ("hospitalised", "isolated", "ended")


def journeys(document: CaseDocument) -> dict[str, CaseDocument]:
    """The case after it went out and came back, by format."""
    bundle = json.dumps(write_case_fhir(document, at=_AT)).encode()
    return {
        "FHIR": read_case_fhir(bundle, UTC),
        "HL7": read_case_hl7(write_case_hl7(document, at=_AT), UTC),
        "CSV": read_cases_csv(write_cases_csv([document]), UTC)[0],
    }


def loss_rows() -> list[tuple[str, str, str, str]]:
    """(field, FHIR, HL7, CSV) with what becomes of each field."""
    before = full_case()
    after = {name: lost(before, made) for name, made in journeys(before).items()}
    names = [name for name, _, _ in lost(CaseDocument("", "", classification=""), before)]
    return [
        (one, _state(one, "FHIR", after["FHIR"]), _state(one, "HL7", after["HL7"]), _state(one, "CSV", after["CSV"]))
        for one in _leaves(names)
    ]


def _leaves(names: list[str]) -> list[str]:
    made = [name for name in names if not name.startswith(("tests[", "contacts["))]
    made += [f"tests.{one.name}" for one in fields(DocumentTest)]
    return made + [f"contacts.{one.name}" for one in fields(DocumentContact)]


def _state(name: str, kind: str, gone: list[tuple[str, str, str]]) -> str:
    group, _, part = name.partition(".")
    if group in ("tests", "contacts"):
        whole = len(full_case().tests if group == "tests" else full_case().contacts)
        missing = sum(1 for field, _, _ in gone if re.fullmatch(rf"{group}\[\d+\](\.{part})?", field))
        if missing:
            return LOST if missing == whole else f"of the first {whole - missing}"
    else:
        found = next((entry for entry in gone if entry[0] == name), None)
        if found is not None:
            return PART if found[2] else LOST
    return OWN if _own(name, kind) else KEPT


def _own(name: str, kind: str) -> bool:
    """Whether a format keeps the field only in a code that another program stores without understanding it."""
    if name in ("symptoms", "circumstances", "tests.kind"):
        return kind in ("FHIR", "HL7")
    if kind == "FHIR":
        return name in OWN_FACTS
    return kind == "HL7" and name != "onset" and name in {"disease", "has_symptoms", *facts_text(full_case())}


def loss_table() -> str:
    """The page of what is lost, as Markdown."""
    lines = [
        "# What an exchanged case keeps",
        "",
        "A case with every field filled was written as FHIR R4, HL7 v2.5.1 and CSV and read back; this is what became of each",
        f"field. “{OWN}” means that another program stores the field without understanding it, and this one reads it again.",
        "",
        "| field | " + " | ".join(FORMATS) + " |",
        "|---" * (len(FORMATS) + 1) + "|",
    ]
    lines += [f"| `{name}` | {' | '.join(states)} |" for name, *states in loss_rows()]
    return "\n".join(lines) + "\n"
