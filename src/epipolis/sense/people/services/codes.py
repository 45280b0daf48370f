"""Return codes: a slip of paper with which anybody sees what is held about them, without an account."""

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from epipolis.core import audit
from epipolis.core.sealing import fingerprint
from epipolis.sense.people import queries
from epipolis.sense.people.models import Person, ReturnCode
from epipolis.sense.people.settings import settings

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nobody can misread them
_MISREAD = str.maketrans("ILOU", "110V")
_NUMBER, _SECRET, _GROUP = 6, 10, 4  # letters of 5 bits each

OPENS_NOTHING = gettext_noop("This code does not open anything. Check each letter, or ask the office for a new one.")
LOCKED = gettext_noop("This code is locked after too many wrong tries. Ask the office for a new one.")


class CodeError(ValueError):
    """A return code that opens nothing. `locked` when too many wrong ones were tried."""

    def __init__(self, text: str, *, locked: bool = False) -> None:
        super().__init__(text)
        self.locked = locked


@transaction.atomic
def issue_return_code(person_id: UUID, *, by: audit.Actor, at: datetime) -> str:
    """A new code for a person, shown this once; former codes of the person end.

    Raises:
        LookupError: there is no such person, or the person is erased.
    """
    person = Person.objects.select_for_update().filter(id=person_id, erased=None).first()
    if person is None:
        raise LookupError("there is no such person")
    ReturnCode.objects.filter(person__in=queries.same_person(person_id)).delete()
    code = new_code()
    number, secret = code_parts(code)
    ReturnCode.objects.create(
        person=person,
        number_hash=number,
        secret_hash=secret,
        issued=at,
        expires=at + timedelta(days=settings.code_days),
    )
    audit.record("people.issue_code", by=by, at=at, subject=person_id, person=person_id)
    return code


def new_code() -> str:
    """A code that nobody can guess or misread, in groups of four letters."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_NUMBER + _SECRET))
    return "-".join(letters[i : i + _GROUP] for i in range(0, len(letters), _GROUP))


def code_parts(code: str) -> tuple[str, str]:
    """The keyed hashes of a code: of its first part, which finds a row, and of the whole, which opens it.

    Raises:
        CodeError: this is no code.
    """
    letters = _plain(code)
    if len(letters) != _NUMBER + _SECRET or not set(letters) <= set(_LETTERS):
        raise CodeError(OPENS_NOTHING)
    return _hash(letters[:_NUMBER]), _hash(letters)


def open_return_code(code: str, *, at: datetime) -> UUID:
    """The person whose code this is; the visit is written down. Each wrong try is counted, and too many lock the code.

    Raises:
        CodeError: the code is unknown, expired or locked; the message does not tell which but for `locked`.
    """
    number, secret = code_parts(code)
    found = ReturnCode.objects.filter(number_hash=number, expires__gt=at).first()
    if found is None:
        raise CodeError(OPENS_NOTHING)
    if found.failures >= settings.code_failures:
        raise CodeError(LOCKED, locked=True)
    if not compare_digest(found.secret_hash, secret):
        ReturnCode.objects.filter(id=found.id).update(failures=F("failures") + 1)
        audit.record("people.wrong_code", by=None, at=at, subject=found.person_id, person=found.person_id)
        raise CodeError(OPENS_NOTHING)
    audit.record("people.mine", by="return code", at=at, subject=found.person_id, person=found.person_id)
    return found.person_id


def forget_return_codes(before: datetime, at: datetime) -> int:
    """Erase the codes that expired before a moment; return how many."""
    return ReturnCode.objects.filter(expires__lt=before).delete()[0]


def _plain(code: str) -> str:
    return "".join(character for character in code[:100].upper() if character.isalnum()).translate(_MISREAD)


def _hash(letters: str) -> str:
    return fingerprint(f"return code {letters}")
