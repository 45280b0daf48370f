"""Households: who declares together, what they allow, what they need, and that they may leave without a trace."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit
from epipolis.core.events import publish
from epipolis.core.sealing import fingerprint, seal
from epipolis.sense.city.models import District
from epipolis.sense.declarations import queries
from epipolis.sense.declarations.events import HelpNeeded
from epipolis.sense.declarations.models import Consent, Declaration, Household, Member, Need, Purpose, Relation
from epipolis.sense.declarations.settings import settings
from epipolis.sense.people import queries as people
from epipolis.sense.people.services import PersonRow, code_parts, match_person, new_code

_AN_HOUR, _A_MINUTE = 60, 12  # declarations from one network address: a school or a tower of flats shares one
_LABEL = 60


class HouseholdError(ValueError):
    """What a household asked for cannot be; the text says why, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Started:
    """A new household, its first member, and the code that opens it: shown once."""

    household: UUID
    member: UUID
    code: str


def is_too_often(peer: str) -> bool:
    """Whether so many came from one network address lately that this one must wait."""
    for seconds, most in ((60, _A_MINUTE), (3_600, _AN_HOUR)):
        key = f"declarations-{seconds}-{fingerprint(peer)}"
        cache.add(key, 0, seconds)
        if cache.incr(key) > most:
            return True
    return False


@transaction.atomic
def start_household(
    *,
    by: audit.Actor,
    at: datetime,
    relation: str = "self",
    language: str = "",
    district: District | None = None,
    purposes: Collection[str] = (),
    phone: str = "",
    simulated: bool = False,
) -> Started:
    """A new household with one member. `phone`: from which it declares by text message; only its keyed hash is kept."""
    code = new_code()
    number, secret = code_parts(code)
    digits = people.digits_of(phone)
    household = Household.objects.create(
        number_hash=number,
        secret_hash=secret,
        expires=at + timedelta(days=settings.code_days),
        sender_hash=fingerprint(digits) if digits else "",
        district=district,
        language=language[:10],
        started=at,
        simulated=simulated,
    )
    audit.record("declarations.start", by=by, at=at, subject=household.id)
    member = add_member(household.id, relation, by=by, at=at)
    for purpose in purposes:
        allow(household.id, purpose, True, by=by, at=at)
    return Started(household.id, member, code)


@transaction.atomic
def add_member(household_id: UUID, relation: str, *, by: audit.Actor, at: datetime, label: str = "") -> UUID:
    """Somebody more who lives here. `label` is for the household's own eyes.

    Raises:
        HouseholdError: the household is full, or the words are not known.
    """
    household = Household.objects.select_for_update().get(id=household_id)
    if relation not in Relation.values:
        raise HouseholdError(_("Say how this person belongs to the household."))
    if len(label) > _LABEL or "\0" in label:
        raise HouseholdError(_("What you call somebody may have at most 60 characters."))
    if household.members.count() >= settings.most_members:
        raise HouseholdError(_("A household may have at most %(most)d members here.") % {"most": settings.most_members})
    member = Member.objects.create(household=household, relation=relation, label=seal(label.strip()), added=at)
    audit.record("declarations.add_member", by=by, at=at, subject=household_id)
    return member.id


@transaction.atomic
def name_member(member_id: UUID, row: PersonRow, *, by: audit.Actor, at: datetime) -> UUID:
    """Say who a member is, so that somebody can call. Only a household that allows care, tracing or aid is named.

    Raises:
        HouseholdError: no purpose needs it.
        PersonError: a value breaks a rule.
    """
    member = Member.objects.select_for_update().get(id=member_id)
    if not queries.consents_of(member.household_id) - {str(Purpose.PERMIT)} and not row.identifiers:
        raise HouseholdError(_("Choose first what your answers may be used for."))
    member.person_id = match_person(row, by=by, at=at).person
    member.save(update_fields=["person"])
    return member.person_id


@transaction.atomic
def allow(household_id: UUID, purpose: str, allowed: bool, *, by: audit.Actor, at: datetime) -> bool:
    """Allow a purpose, or withdraw it from now on; whether anything changed.

    Raises:
        HouseholdError: there is no such purpose.
    """
    if purpose not in Purpose.values:
        raise HouseholdError(_("This purpose is not known."))
    Household.objects.select_for_update().get(id=household_id)
    held = Consent.objects.filter(household=household_id, purpose=purpose, withdrawn=None)
    if allowed == held.exists():
        return False
    if allowed:
        Consent.objects.create(household_id=household_id, purpose=purpose, given=at)
    else:
        held.update(withdrawn=at)
    action = "declarations.allow" if allowed else "declarations.withdraw"
    audit.record(action, by=by, at=at, subject=household_id, purpose=purpose)
    return True


@transaction.atomic
def set_needs(household_id: UUID, needs: Collection[str], *, by: audit.Actor, at: datetime) -> None:
    """What the household needs now; told to those who help only where it allows that.

    Raises:
        HouseholdError: there is no such need.
    """
    wanted = sorted(set(needs))
    if not set(wanted) <= set(Need.values):
        raise HouseholdError(_("One of these needs is not known."))
    household = Household.objects.select_for_update().get(id=household_id)
    if household.needs == wanted:
        return
    household.needs = wanted
    household.save(update_fields=["needs"])
    audit.record("declarations.needs", by=by, at=at, subject=household_id, needs=len(wanted))
    if wanted and str(Purpose.AID) in queries.consents_of(household_id):
        publish(HelpNeeded(household_id, tuple(wanted)))


@transaction.atomic
def forget_household(household_id: UUID, *, by: audit.Actor, at: datetime) -> None:
    """Erase a household with all that it declared, at its own wish; a case that came of it stays with the health office."""
    Household.objects.filter(id=household_id).delete()
    audit.record("declarations.forget", by=by, at=at, subject=household_id)


@transaction.atomic
def forget_old(before: datetime, at: datetime) -> int:
    """Erase declarations that became known before a moment, and households whose code has ended and that hold none."""
    count, _by_table = Declaration.objects.filter(known_at__lt=before).delete()
    Household.objects.filter(expires__lt=at, members__declarations=None).delete()
    return count
