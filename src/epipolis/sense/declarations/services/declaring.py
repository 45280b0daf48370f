"""Declaring: the answers of one person for one day, the advice, and the suspected case where that is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, clock, live
from epipolis.core.events import publish
from epipolis.core.rules import Decision
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case, Circumstance, Classification, State, Symptom
from epipolis.sense.declarations import queries
from epipolis.sense.declarations.events import IllnessDeclared
from epipolis.sense.declarations.models import Channel, Declaration, Household, Member, Purpose
from epipolis.sense.declarations.settings import settings

_LONGEST_AGO = 60  # days since the first symptoms
_WARM, _COLD = Decimal("43.0"), Decimal("33.0")
_STATES = frozenset(State.values)


class DeclarationError(ValueError):
    """An answer that cannot be; `field` names it, the text is in the reader's language."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Answers:
    """How somebody is: symptoms and circumstances with their states, first symptoms, temperature in °C."""

    symptoms: Mapping[str, str] = field(default_factory=dict)
    circumstances: Mapping[str, str] = field(default_factory=dict)
    onset: date | None = None
    temperature: Decimal | None = None


@transaction.atomic
def declare(
    member_id: UUID,
    answers: Answers,
    *,
    channel: str,
    by: audit.Actor,
    at: datetime,
    day: date | None = None,
    client_id: UUID | None = None,
) -> Declaration:
    """Take what somebody says of themselves. The same sent twice is stored once; a later one of a day holds instead.

    Raises:
        Member.DoesNotExist: there is no such member.
        DeclarationError: an answer cannot be.
    """
    if client_id and (sent := Declaration.objects.filter(client_id=client_id, member=member_id).first()):
        return sent
    # One after the other in a household: two phones that declare at once make two declarations, one of which holds.
    member = Member.objects.select_related("person").get(id=member_id)
    household = Household.objects.select_for_update().get(id=member.household_id)
    today = clock.local_day(at)
    _check(answers, day or today, today)
    decision = queries.advise(answers.symptoms, answers.circumstances, answers.temperature, day=day or today)
    Declaration.objects.filter(member=member, day=day or today, is_current=True).update(is_current=False)
    made = Declaration.objects.create(
        member=member,
        day=day or today,
        symptoms=dict(answers.symptoms),
        circumstances=dict(answers.circumstances),
        onset=answers.onset,
        temperature=answers.temperature,
        district_id=household.district_id,
        advice=decision.outcome,
        is_ill=State.YES in answers.symptoms.values(),
        decision=decision.to_json(),
        channel=Channel(channel),
        by=audit.actor_name(by),
        at=at,
        known_at=at,
        client_id=client_id,
        simulated=household.simulated,
    )
    household.expires = max(household.expires, at + timedelta(days=settings.code_days))
    household.save(update_fields=["expires"])
    audit.record("declarations.declare", by=by, at=at, subject=household.id, person=member.person_id, channel=channel)
    _report(made, member, decision, by=by, at=at)
    live.tell("declarations")
    return made


def _report(made: Declaration, member: Member, decision: Decision, *, by: audit.Actor, at: datetime) -> None:
    """A suspected case, where the rule says so, the household allows care or tracing, and it is known who it is."""
    wanted = queries.rule_on(made.day)["reports_case"]
    allowed = queries.consents_of(member.household_id) & {str(Purpose.CARE), str(Purpose.TRACING)}
    if decision.outcome not in wanted or not allowed or member.person_id is None:
        return
    onset = made.onset if made.is_ill else None
    facts: dict[str, Any] = {
        "classification": str(Classification.SUSPECTED),
        "symptoms": dict(made.symptoms),
        "circumstances": dict(made.circumstances),
        "onset": onset,
        "reported": made.day,
        "district": made.district_id,
        "has_symptoms": True if made.is_ill else None,
    }
    facts["district_id"] = facts.pop("district")
    case, became = cases.find_or_report_case(
        member.person_id,
        settings.disease,
        onset or made.day,
        facts,
        source="declarations",
        by=by,
        at=at,
        simulated=made.simulated,
    )
    if became == "existing":
        _add_symptoms(case, made, by=by, at=at)
    Declaration.objects.filter(id=made.id).update(case=case)
    made.case = case
    publish(IllnessDeclared(made.id, member.person_id, case.id))


def _add_symptoms(case: Case, made: Declaration, *, by: audit.Actor, at: datetime) -> None:
    """What a case that is open did not know yet; what somebody else found out stays."""
    news = {name: state for name, state in made.symptoms.items() if case.symptoms.get(name) not in ("yes", "no")}
    changes: dict[str, Any] = {"symptoms": {**case.symptoms, **news}} if news else {}
    if case.onset is None and made.onset and made.is_ill:
        changes["onset"] = made.onset
    if changes and not case.owner:  # what another office owns is changed there; the declaration itself stays here
        cases.revise_case(case.id, changes, by=by, at=at, origin="declarations")


def _check(answers: Answers, day: date, today: date) -> None:
    for field_name, found, known in (
        ("symptoms", answers.symptoms, Symptom.values),
        ("circumstances", answers.circumstances, Circumstance.values),
    ):
        for name, state in found.items():
            if name not in known or state not in _STATES:
                raise DeclarationError(
                    field_name, _("There is no such question or answer: %(name)s.") % {"name": str(name)[:40]}
                )
    if not today - timedelta(days=_LONGEST_AGO) <= day <= today:
        raise DeclarationError("day", _("The day must not lie in the future or more than 60 days back."))
    if answers.onset and not day - timedelta(days=_LONGEST_AGO) <= answers.onset <= day:
        raise DeclarationError("onset", _("The first symptoms must lie within the last 60 days, and not in the future."))
    heat = answers.temperature
    if heat is not None and not (heat.is_finite() and _COLD <= heat <= _WARM):
        raise DeclarationError("temperature", _("A temperature lies between 33 and 43 °C."))
