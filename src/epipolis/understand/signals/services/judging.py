"""What people make of a signal: each step with its reason and who took it; the last one can be taken back."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, live
from epipolis.core.models import User
from epipolis.understand.signals import queries
from epipolis.understand.signals.models import Judgement, Signal

NEED_REASON = (Signal.State.EXPLAINED, Signal.State.FALSE_ALARM)
LONGEST_REASON = 500


@transaction.atomic
def judge_signal(
    signal_id: UUID, state: str, *, reason: str = "", seen: str = "", with_earlier: bool = False, by: audit.Actor, at: datetime
) -> Judgement | None:
    """Say what a signal was; None when it says so already. `with_earlier`: and the open ones of the same series and place.

    Args:
        seen: the state that the person saw; another one meanwhile, and nothing is changed.

    Raises:
        LookupError: there is no such signal.
        ValueError: no such state, no reason where one is needed, or somebody else was faster.
    """
    signal = Signal.objects.select_for_update().filter(id=signal_id).first()
    if signal is None:
        raise LookupError(_("There is no such signal."))
    reason = _checked(state, reason)
    if seen and seen != signal.state:
        raise ValueError(
            _("Somebody else has just changed this signal to “%(state)s”. Look again.") % {"state": signal.get_state_display()}
        )
    newest = signal.judgements.order_by("-id").first()
    if signal.state == state and (not reason or (newest is not None and newest.reason == reason)):
        return None
    together = uuid4()
    made = _judge(signal, state, reason, together, by=by, at=at)
    if with_earlier:
        for other in queries.open_with(signal).select_for_update():
            _judge(other, state, reason, together, by=by, at=at)
    live.tell("signals", signal=str(signal.id))
    return made


@transaction.atomic
def undo_judgement(judgement_id: int, *, by: audit.Actor, at: datetime) -> Judgement:
    """Take a judgement back, with all that were made at one go with it; later ones stay.

    Raises:
        LookupError: there is no such judgement.
        ValueError: it is not the newest of its signal, or was taken back already.
    """
    wanted = Judgement.objects.filter(id=judgement_id).first()
    if wanted is None:
        raise LookupError(_("There is no such judgement."))
    signal = Signal.objects.select_for_update().get(id=wanted.signal_id)
    if wanted.undoes_id or not queries.is_newest(wanted):
        raise ValueError(_("Only the last step can be taken back, and only once."))
    together = uuid4()
    made = _take_back(signal, wanted, together, by=by, at=at)
    for other in Judgement.objects.filter(together=wanted.together).exclude(id=wanted.id).select_related("signal"):
        if queries.is_newest(other):
            _take_back(Signal.objects.select_for_update().get(id=other.signal_id), other, together, by=by, at=at)
    live.tell("signals", signal=str(signal.id))
    return made


def _checked(state: str, reason: str) -> str:
    if state not in Signal.State.values:
        raise ValueError(_("There is no state “%(state)s”.") % {"state": state[:40]})
    reason = " ".join(reason.replace("\0", "").split())
    if len(reason) > LONGEST_REASON:
        raise ValueError(_("A reason has at most %(count)d characters.") % {"count": LONGEST_REASON})
    if state in NEED_REASON and not reason:
        raise ValueError(_("Say why: others and the record of the method learn from it."))
    return reason


def _judge(signal: Signal, state: str, reason: str, together: UUID, *, by: audit.Actor, at: datetime) -> Judgement:
    made = Judgement.objects.create(
        signal=signal, at=at, by=by if isinstance(by, User) else None, by_name=audit.actor_name(by)[:150],
        before=signal.state, after=state, reason=reason, together=together,
    )  # fmt: skip
    signal.state = state
    signal.save(update_fields=["state"])
    audit.record("signals.judge", by=by, at=at, subject=signal.id, before=made.before, state=state)
    return made


def _take_back(signal: Signal, one: Judgement, together: UUID, *, by: audit.Actor, at: datetime) -> Judgement:
    made = Judgement.objects.create(
        signal=signal, at=at, by=by if isinstance(by, User) else None, by_name=audit.actor_name(by)[:150],
        before=signal.state, after=one.before, together=together, undoes=one,
    )  # fmt: skip
    signal.state = one.before
    signal.save(update_fields=["state"])
    audit.record("signals.undo", by=by, at=at, subject=signal.id, before=made.before, state=made.after)
    return made
