"""Many ends at once: follow-ups whose last day is over and whom nobody ever tried to reach; nothing is left to weigh."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_noop

from epipolis.act.followup.events import FollowUpsEnded
from epipolis.act.followup.models import Attempt, Change, Exposure, FollowUp, State
from epipolis.core import audit, clock, events, live
from epipolis.core.rules import Decision, RulePack
from epipolis.understand.tracing import services as tracing

from .storing import update_plans
from .timing import changed, days_of

_AT_ONCE = 1_000
_BY = "followup"
UNSEEN = gettext_noop("Its last day, %(until)s, is over, and nobody had been reached.")
UNKNOWN = gettext_noop("Its last day, %(until)s, is over, and it never became known who this visitor is.")


def end_unseen(pack: RulePack, *, at: datetime, most: int) -> int:
    """End them, some at a time; return how many. Those that a person has set, or that others are part of, are left alone."""
    count = 0
    while count < most and (ended := _end_some(pack, at=at)):
        count += ended
    return count


@transaction.atomic
def _end_some(pack: RulePack, *, at: datetime) -> int:
    day = clock.local_day(at)
    own = FollowUp.objects.filter(state=State.OPEN, part_of=None, until__lt=day, chosen_until=None, promised_at=None)
    untried = own.filter(first_reached=None, last_seen=None).exclude(
        Exists(Attempt.objects.filter(follow_up=OuterRef("pk"))) | Exists(FollowUp.objects.filter(part_of=OuterRef("pk")))
    )
    rows = list(untried.select_for_update(of=("self",)).order_by("until", "id")[:_AT_ONCE])
    if not rows:
        return 0
    lines = []
    for row in rows:
        text, values = UNKNOWN if row.person_id is None else UNSEEN, {"until": row.until.isoformat() if row.until else ""}
        before = days_of(row)
        row.state, row.ended, row.due_from, row.overdue_from = State.NOT_NEEDED, at, None, None
        row.end_reason = Decision(str(row.state), pack.reference, day, {}, ((text, values),)).to_json()
        row.revision += 1
        lines.append(changed(row, "state", before, days_of(row), reason=text % values, by=_BY, at=at))
    update_plans(rows)
    Change.objects.bulk_create(lines)
    told = Exposure.objects.filter(follow_up__in=[row.id for row in rows], tracing_contact__isnull=False)
    tracing.note_follow_up(list(told.values_list("tracing_contact", flat=True)), state="closed", by=_BY, at=at)
    audit.record("followup.end", by=_BY, at=at, follow_ups=len(rows), state=str(State.NOT_NEEDED))
    live.tell("followup")
    events.publish_many(FollowUpsEnded.of(row.id for row in rows if row.person_id))
    return len(rows)
