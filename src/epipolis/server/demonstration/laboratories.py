"""The city's laboratories: three senders of HL7 messages, with the few faults that every day of real messages has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from epipolis.core import access, clock
from epipolis.core.modules import modules
from epipolis.engines import twin
from epipolis.engines.messages import Finding, LabReport, Patient, Specimen, write_hl7
from epipolis.engines.twin import city_files
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.services import Incoming

OPEN_DAYS = 3
"""Days before the opening morning since which laboratories send."""
_BY = "demonstration"
_SCOPE = "labs.send"
_WITH_NUMBER = 0.7  # share of messages that give the patient's national number; the others are matched by name and birth
_NEGATIVES = 0.0008  # negative messages on a day for each person of the city
_FEWEST_NEGATIVES, _MOST = 6, 60  # a day
_ONLY_LABORATORY = 7  # every seventh new case is known from its laboratory alone
_PAUSE = timedelta(minutes=20)
_ANSWERS = {"positive": "Detected", "negative": "Not detected"}


@dataclass(frozen=True)
class Sender:
    """A laboratory of the city and the test that it does. `share`: of the samples."""

    code: str
    name: str
    test: str
    text: str
    share: float


SENDERS = (
    Sender("HARBOUR", "Harbour Central Laboratory", "94500-6", "SARS-CoV-2 RNA, respiratory specimen", 0.6),
    Sender("STLUKE", "St. Luke Hospital Laboratory", "94309-2", "SARS-CoV-2 RNA, any specimen", 0.25),
    Sender("MARKET", "Market Street Clinic", "94558-4", "SARS-CoV-2 antigen, rapid test", 0.15),
)


def register(*, at: datetime) -> None:
    """Register the laboratories; twice makes nothing new."""
    known = {row.code for row in queries.laboratories()}
    for sender in SENDERS:
        if "labs" in modules() and sender.code not in known:
            values = {"name": sender.name, "code": sender.code}
            services.register_laboratory(values, by=_BY, at=at, simulated=True)


def give_tokens(*, at: datetime) -> dict[str, str]:
    """A fresh token for each laboratory, by its code: from now on what it sends must prove itself by it."""
    tokens = {}
    for row in queries.laboratories():
        if row.code in {sender.code for sender in SENDERS}:
            device, tokens[row.code] = access.issue_token(f"{row.code} messages", [_SCOPE], by=None, at=at, simulated=True)
            services.change_laboratory(row.id, {"account": device}, by=_BY, at=at)
    return tokens


def is_by_laboratory(case: Mapping[str, Any], since: date) -> bool:
    """Whether the city hears of a case from its laboratory alone, so that a message makes a case and the line list none."""
    is_late = bool(case["reported"] and case["reported"] >= since)
    return is_late and bool(case["confirmed_at"]) and case["person"] % _ONLY_LABORATORY == 3


def reports_of(city: twin.City, cases: Iterable[Mapping[str, Any]], *, day: date, seed: int) -> list[tuple[Sender, LabReport]]:
    """What the laboratories say about cases that were confirmed on a day; a case gives the same message each time."""
    new = [case for case in cases if case["confirmed_at"] and clock.local_day(_moment(case["confirmed_at"])) == day]
    found = []
    for case in new[:_MOST]:
        told = _moment(case["confirmed_at"])
        taken = min(clock.start_of(case["sampled"] or day) + timedelta(hours=10), told - timedelta(hours=1))
        found.append(_report(city, case["person"], "positive", taken, told, np.random.default_rng((seed, case["person"], 11))))
    return found


def negatives_of(city: twin.City, *, day: date, seed: int, most: int = _MOST) -> list[tuple[Sender, LabReport]]:
    """What they say on a day, from its morning to its evening, about people who have nothing."""
    random = np.random.default_rng((seed, day.toordinal(), 12))
    wanted = min(max(round(_NEGATIVES * city.people.num_rows), _FEWEST_NEGATIVES), most)
    morning = clock.start_of(day) + timedelta(hours=8)
    found = []
    for person in random.integers(0, city.people.num_rows, wanted).tolist():
        told = morning + timedelta(minutes=int(random.integers(0, 600)))
        found.append(_report(city, person, "negative", told - timedelta(hours=20), told, random))
    return found


def faults_of(city: twin.City, *, day: date, seed: int, at: datetime) -> list[tuple[Sender, LabReport]]:
    """One of each: a code that nobody knows, a sample without a name, a number used twice, a correction."""
    random = np.random.default_rng((seed, day.toordinal(), 13))
    people = random.choice(city.people.num_rows, 4, replace=False).tolist()
    taken, told = at - timedelta(hours=9), at - timedelta(hours=1)
    unknown, nameless, doubled, corrected = (_report(city, person, "negative", taken, told, random)[1] for person in people)
    first = SENDERS[0]
    odd = replace(unknown.findings[0], code="RP-7", system="L", text="Respiratory panel 7")
    positive = replace(corrected.findings[0], result="positive", value=_ANSWERS["positive"])
    wrong = replace(corrected, findings=(positive,))
    right = replace(corrected.findings[0], status="corrected", resulted_at=told + _PAUSE)
    found = [
        replace(unknown, findings=(odd,), disease="", message_id=f"{unknown.message_id}-C"),
        replace(nameless, patient=Patient(sex="F"), message_id=f"{nameless.message_id}-N"),
        doubled,
        replace(doubled, note="Sent again after a power cut."),
        wrong,
        replace(
            corrected, message_id=f"{corrected.message_id}-K", status="corrected", findings=(right,), reported_at=told + _PAUSE
        ),
    ]
    return [(first, replace(report, sender=first.code, laboratory=first.code)) for report in found]


def take(reports: Sequence[tuple[Sender, LabReport]], *, at: datetime) -> None:
    """Store messages as if they had just come over the network."""
    accounts = {row.code: row.account_id for row in queries.laboratories()}
    items = [
        Incoming(write_hl7(report), "hl7", "http", account=accounts[sender.code], simulated=True) for sender, report in reports
    ]
    if items:
        services.receive_all(items, by=_BY, at=at)


def _report(
    city: twin.City, person: int, result: str, taken: datetime, told: datetime, random: np.random.Generator
) -> tuple[Sender, LabReport]:
    sender = SENDERS[int(random.choice(len(SENDERS), p=[one.share for one in SENDERS]))]
    number = f"{sender.code}-{taken:%Y%m%d}-{person:06}"
    finding = Finding(
        "1",
        sender.test,
        system="LN",
        text=sender.text,
        kind="antigen" if sender is SENDERS[2] else "pcr",
        disease="COVID-19",
        result=result,
        observed_at=taken,
        resulted_at=told,
        value=_ANSWERS[result],
    )
    report = LabReport(
        message_id=number,
        sender=sender.code,
        patient=_patient(city, person, with_number=bool(random.random() < _WITH_NUMBER)),
        findings=(finding,),
        laboratory=sender.code,
        sent_at=told,
        order=number,
        reported_at=told,
        specimen=Specimen(ref=f"S{number}", kind="Nasopharyngeal swab", taken_at=taken),
        disease="COVID-19",
    )
    return sender, report


def _patient(city: twin.City, person: int, *, with_number: bool) -> Patient:
    [row] = city.people.slice(person, 1).to_pylist()
    return Patient(
        identifiers=(("national_id", city_files.national_id(person), ""),) if with_number else (),
        given=row["given_name"],
        family=row["family_name"],
        birth=(row["birth_year"], row["birth_month"], row["birth_day"]),
        sex={"female": "F", "male": "M"}[row["sex"]],
        phones=(row["phone"],) if row["phone"] else (),
        address=row["address"] or "",
        language=row["language"] or "",
    )


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
