"""Laboratory results of people under follow-up: a positive one is told at once, a negative one may allow an earlier end."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.models import Change, FollowUp, State
from epipolis.core import clock, live
from epipolis.sense.labs import queries as labs
from epipolis.sense.labs.models import LabResult

_BY = "followup"
_POSITIVE = gettext_noop("A positive test arrived: tell the result and ask whom they met.")
_NEGATIVE = gettext_noop("A negative test arrived.")
_COUNTED = (LabResult.Status.FINAL, LabResult.Status.CORRECTED)


@transaction.atomic
def note_result(number: int, *, at: datetime) -> int:
    """Bring a result to the follow-ups of its person; return how many it changed. The same result again changes nothing."""
    found = labs.result(number)
    if found is None or not found.is_in_force or found.taken_back or found.result not in _KINDS:
        return 0
    if found.result == LabResult.Result.NEGATIVE and found.status not in _COUNTED:
        return 0
    rows = queries.clusters({found.person_id})[found.person_id]
    open_ones = FollowUp.objects.select_for_update().filter(person__in=rows, state=State.OPEN, part_of=None)
    return sum(_note(row, found, at=at) for row in open_ones.filter(disease=found.disease).order_by("id"))


_KINDS = (LabResult.Result.POSITIVE, LabResult.Result.NEGATIVE)


def _note(row: FollowUp, found: LabResult, *, at: datetime) -> bool:
    if Change.objects.filter(follow_up=row, kind="test", after__result=found.id).exists():
        return False
    sampled = clock.local_day(found.sampled_at or found.received)
    after = {"result": found.id, "is_negative": found.result == LabResult.Result.NEGATIVE, "sampled": sampled.isoformat()}
    reason = _NEGATIVE if after["is_negative"] else _POSITIVE
    Change.objects.create(follow_up=row, kind="test", after=after, reason=reason, by=_BY, at=at)
    if not after["is_negative"]:
        row.promised_at, row.promise = at, _POSITIVE
        row.save(update_fields=["promised_at", "promise"])
    live.tell("followup", follow_up=row.id)
    return True
