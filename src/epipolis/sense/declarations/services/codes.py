"""The code of a household: its way back without an account."""

from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from django.db.models import F

from epipolis.core import audit
from epipolis.sense.declarations.models import Household
from epipolis.sense.declarations.settings import settings
from epipolis.sense.people.services import CodeError, code_parts, new_code
from epipolis.sense.people.services.codes import LOCKED, OPENS_NOTHING

__all__ = ["CodeError", "open_household", "renew_code"]


def open_household(code: str, *, at: datetime) -> UUID:
    """The household whose code this is. Each wrong try is counted, and too many lock the code.

    Raises:
        CodeError: the code is unknown, expired or locked; the message does not tell which but for `locked`.
    """
    number, secret = code_parts(code)
    found = Household.objects.filter(number_hash=number, expires__gt=at).first()
    if found is None:
        raise CodeError(OPENS_NOTHING)
    if found.failures >= settings.code_failures:
        raise CodeError(LOCKED, locked=True)
    if not compare_digest(found.secret_hash, secret):
        Household.objects.filter(id=found.id).update(failures=F("failures") + 1)
        audit.record("declarations.wrong_code", by=None, at=at, subject=found.id)
        raise CodeError(OPENS_NOTHING)
    return found.id


def renew_code(household_id: UUID, *, by: audit.Actor, at: datetime) -> str:
    """A new code, shown this once; the former one ends."""
    code = new_code()
    number, secret = code_parts(code)
    values = {"number_hash": number, "secret_hash": secret, "failures": 0, "expires": at + timedelta(days=settings.code_days)}
    Household.objects.filter(id=household_id).update(**values)
    audit.record("declarations.issue_code", by=by, at=at, subject=household_id)
    return code
