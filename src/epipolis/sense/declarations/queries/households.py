"""A household for its own eyes, by its code."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from epipolis.core.sealing import fingerprint, unseal
from epipolis.sense.declarations.models import Consent, Declaration, Household, Member
from epipolis.sense.people import queries as people


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as the household sees it, with the newest declaration."""

    id: UUID
    relation: str
    relation_text: str
    label: str
    last: Declaration | None

    def declared_on(self, day: date) -> bool:
        return self.last is not None and self.last.day == day


def household(household_id: UUID) -> Household | None:
    return Household.objects.filter(id=household_id).select_related("district").defer("district__border").first()


def sent(client_id: UUID) -> Declaration | None:
    """What a form has sent already."""
    return Declaration.objects.filter(client_id=client_id).select_related("member").first()


def household_of_sender(phone: str) -> Household | None:
    """The household that declares by text message from this number."""
    digits = people.digits_of(phone)
    return Household.objects.filter(sender_hash=fingerprint(digits)).first() if digits else None


def members_of(household_id: UUID) -> list[MemberRow]:
    """Everybody of a household in the order of their joining."""
    found = list(Member.objects.filter(household=household_id).order_by("added", "id"))
    newest: dict[UUID, Declaration] = {}
    for one in Declaration.objects.filter(member__in=found, is_current=True).order_by("day"):
        newest[one.member_id] = one
    return [
        MemberRow(one.id, one.relation, str(one.get_relation_display()), unseal(one.label), newest.get(one.id)) for one in found
    ]


def consents_of(household_id: UUID) -> set[str]:
    """The purposes that hold now."""
    return set(Consent.objects.filter(household=household_id, withdrawn=None).values_list("purpose", flat=True))


def history_of(household_id: UUID) -> QuerySet[Declaration]:
    """All that a household declared, newest first; what was replaced stays visible."""
    found = Declaration.objects.filter(member__household=household_id).select_related("member")
    return found.order_by("-day", "-known_at", "id")


def whole_household(household_id: UUID) -> dict[str, Any]:
    """Everything that is held about a household as plain values, for itself."""
    consents = Consent.objects.filter(household=household_id).order_by("given", "id")
    return {
        "members": [{"relation": one.relation, "called": one.label} for one in members_of(household_id)],
        "purposes": [
            {"purpose": one.purpose, "given": one.given.isoformat(), "withdrawn": one.withdrawn and one.withdrawn.isoformat()}
            for one in consents
        ],
        "declarations": [
            {
                "day": one.day.isoformat(),
                "symptoms": one.symptoms,
                "circumstances": one.circumstances,
                "first_symptoms": one.onset and one.onset.isoformat(),
                "temperature": one.temperature and str(one.temperature),
                "advice": one.advice,
                "channel": one.channel,
            }
            for one in history_of(household_id)
        ],
    }
