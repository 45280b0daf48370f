"""What is done about an alarm: message, calls, a visit; first care, then questions. No machine punishes anybody.

Each step is written down and the person sees it at once. A consequence needs two signals that do not depend on each other,
and the decision of somebody who did not handle the alarm.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext, gettext_noop, override

from epipolis.act.notices import queries as wordings
from epipolis.act.notices import services as notices
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import AlarmRaised
from epipolis.act.quarantine.models import Alarm, ShiftNote, Step
from epipolis.core import audit, clock, live
from epipolis.core.rules import RulePack
from epipolis.core.sealing import seal

from .links import address_of
from .storing import OrderError
from .streaming import TOPIC

CALLED = ("well", "needs_help", "phone_trouble", "says_away", "no_answer")
VISITED = ("found", "nobody")
_REACHED = {"well", "needs_help", "phone_trouble", "says_away", "found"}
_BY_CARE = (Alarm.Outcome.HEARD, Alarm.Outcome.ENDED)  # what the platform says by itself
CLOSED_WITH = tuple(one for one in Alarm.Outcome.values if one not in _BY_CARE)
_TWICE = timedelta(seconds=20)
_LADDER = (Alarm.Next.MESSAGE, Alarm.Next.CALL)


def on_alarm_raised(event: AlarmRaised) -> None:
    """The first step at once; the job does what waits."""
    climb(event.alarm, at=clock.now())


def climb_ladders(at: datetime | None = None) -> dict[str, int]:
    """Do what is due by itself: the message, and the turn from calls to a visit."""
    at = at or clock.now()
    due = Alarm.objects.filter(state__in=(Alarm.State.NEW, Alarm.State.TAKEN), due__lte=at, next_step__in=_LADDER)
    return {"climbed": sum(climb(number, at=at) for number in due.order_by("due").values_list("id", flat=True)[:2_000])}


@transaction.atomic
def climb(number: int, *, at: datetime) -> bool:
    """The next automatic step of one alarm, when it is due."""
    one = Alarm.objects.select_for_update().filter(id=number).exclude(state=Alarm.State.CLOSED).first()
    if one is None or one.due is None or one.due > at:
        return False
    pack = queries.fence_rules(clock.local_day(at))
    if one.next_step == Alarm.Next.MESSAGE:
        _send_message(one, at=at)
        _step(one, "message", by=TOPIC, at=at)
        _next(one, str(Alarm.Next.CALL), at + timedelta(minutes=pack["call_after"][one.kind]), pack)
    elif one.next_step == Alarm.Next.CALL and one.returned is None and at >= _visit_from(one, pack):
        _next(one, str(Alarm.Next.VISIT), at, pack)
        _step(one, "visit_due", by=TOPIC, at=at)
    else:
        return False
    one.save()
    live.tell(TOPIC, alarm=one.id)
    return True


def take_alarm(number: int, *, by: audit.Actor, at: datetime) -> Alarm:
    """Say that one looks after it, so that nobody else calls too.

    Raises:
        Alarm.DoesNotExist: there is none.
        OrderError: somebody else has taken it, or it is closed.
    """
    with transaction.atomic():
        one = _open(number)
        name = audit.actor_name(by)
        if one.state == Alarm.State.TAKEN and one.taken_by != name:
            raise OrderError("alarm", gettext_noop("somebody else looks after it already"))
        if one.state != Alarm.State.TAKEN:
            one.state, one.taken_by, one.taken_at = Alarm.State.TAKEN, name, at
            _done(one, "taken", by=by, at=at)
        return one


@transaction.atomic
def give_back(number: int, *, by: audit.Actor, at: datetime) -> Alarm:
    """Let others look after it: the shift ends, or it is not for me."""
    one = _open(number)
    if one.state == Alarm.State.TAKEN:
        one.state, one.taken_by, one.taken_at = Alarm.State.NEW, "", None
        _done(one, "given_back", by=by, at=at)
    return one


@transaction.atomic
def note_call(number: int, *, result: str, by: audit.Actor, at: datetime, text: str = "") -> Alarm:
    """Note a call to somebody: how they are comes before where they are.

    Raises:
        Alarm.DoesNotExist: there is none.
        OrderError: the alarm is closed, or there is no such result.
    """
    return _note(number, "call", result, CALLED, text, by=by, at=at)


@transaction.atomic
def note_visit(number: int, *, result: str, by: audit.Actor, at: datetime, text: str = "") -> Alarm:
    """Note a visit at the place. Raises as `note_call`."""
    return _note(number, "visit", result, VISITED, text, by=by, at=at)


@transaction.atomic
def close_alarm(number: int, *, outcome: str, by: audit.Actor, at: datetime, text: str = "") -> Alarm:
    """End an alarm with what it was. It has no consequence of its own.

    Raises:
        Alarm.DoesNotExist: there is none.
        OrderError: it is closed, there is no such outcome, or nobody asked the person before saying that they left.
    """
    one = _open(number)
    if outcome not in CLOSED_WITH:
        raise OrderError("outcome", gettext_noop("choose what it was"))
    asked = one.steps.filter(kind__in=("call", "visit")).exclude(result="no_answer").exists()
    if outcome == Alarm.Outcome.LEFT and not asked:
        raise OrderError("outcome", gettext_noop("nobody has spoken with the person or been there: that comes first"))
    one.state, one.outcome, one.closed_at, one.closed_by = Alarm.State.CLOSED, outcome, at, audit.actor_name(by)
    one.next_step, one.due = Alarm.Next.NOTHING, None
    _done(one, "closed", by=by, at=at, result=outcome, text=text)
    return one


def signals_of(one: Alarm) -> set[str]:
    """What says, each by itself, that somebody was away: the phone, their own word, a visit. Silence says nothing."""
    found = {"phone"} if one.kind == Alarm.Kind.LEFT else set()
    told = set(one.steps.filter(kind__in=("call", "visit")).values_list("kind", "result"))
    return found | {name for name, pair in (("word", ("call", "says_away")), ("visit", ("visit", "nobody"))) if pair in told}


@transaction.atomic
def refer_alarm(number: int, *, reason: str, by: audit.Actor, at: datetime) -> Alarm:
    """Decide that an alarm that was closed as “left without a reason” goes to those who decide on consequences.

    Raises:
        Alarm.DoesNotExist: there is none.
        OrderError: there are not two independent signals, no reason, or the decider handled the alarm.
    """
    one = Alarm.objects.select_for_update(of=("self",)).select_related("order").get(id=number)
    name = audit.actor_name(by)
    if one.outcome not in (Alarm.Outcome.LEFT, Alarm.Outcome.NOT_FOUND) or one.referred_at:
        raise OrderError("alarm", gettext_noop("only an alarm that was closed as left or not found can be referred, once"))
    if len(signals_of(one)) < 2:
        raise OrderError("alarm", gettext_noop("needs two signals that do not depend on each other; a phone alone is one"))
    if one.steps.filter(by=name).exists() or one.order.issued_by == name:
        raise OrderError("alarm", gettext_noop("somebody decides who neither issued the order nor handled the alarm"))
    if not reason.strip():
        raise OrderError("reason", gettext_noop("must be given"))
    one.referred_at, one.referred_by = at, name
    _done(one, "referred", by=by, at=at, text=reason)
    _tell(one, _REFERRED, "referred", at=at)
    return one


@transaction.atomic
def hand_over(text: str, *, by: audit.Actor, at: datetime) -> ShiftNote:
    """Leave a note for the next shift, with what is open; what I had taken is free again."""
    name = audit.actor_name(by)
    own = list(Alarm.objects.filter(taken_by=name, state=Alarm.State.TAKEN).values_list("id", flat=True))
    for number in own:
        give_back(number, by=by, at=at)
    made = ShiftNote.objects.create(text=seal(text.strip()), open_alarms=queries.count_open(), at=at, by=name)
    audit.record("quarantine.hand_over", by=by, at=at, subject=made.id, alarms=len(own))
    live.tell(TOPIC)
    return made


@transaction.atomic
def read_shift_note(number: int, *, by: audit.Actor, at: datetime) -> None:
    """Say that one has read it, and takes over."""
    name = audit.actor_name(by)
    if ShiftNote.objects.filter(id=number, read_at=None).exclude(by=name).update(read_by=name, read_at=at):
        audit.record("quarantine.read_shift_note", by=by, at=at, subject=number)
        live.tell(TOPIC)


def _open(number: int) -> Alarm:
    one = Alarm.objects.select_for_update(of=("self",)).select_related("order").get(id=number)
    if one.state == Alarm.State.CLOSED:
        raise OrderError("alarm", gettext_noop("is closed already"))
    return one


def _note(number: int, kind: str, result: str, known: tuple[str, ...], text: str, *, by: audit.Actor, at: datetime) -> Alarm:
    one = _open(number)
    if result not in known:
        raise OrderError("result", gettext_noop("choose what came of it"))
    if one.steps.filter(kind=kind, result=result, by=audit.actor_name(by), at__gt=at - _TWICE, at__lte=at).exists():
        return one  # the button was pressed twice
    if one.state == Alarm.State.NEW:
        one.state, one.taken_by, one.taken_at = Alarm.State.TAKEN, audit.actor_name(by), at
    pack = queries.fence_rules(clock.local_day(at))
    if result in _REACHED or kind == "visit":
        _next(one, str(Alarm.Next.DECIDE), at + timedelta(minutes=pack["decide_within"]), pack)
    elif one.returned is None and at >= _visit_from(one, pack):
        _next(one, str(Alarm.Next.VISIT), at, pack)
    else:
        _next(one, str(Alarm.Next.CALL), at + timedelta(minutes=pack["call_every"]), pack)
    _done(one, kind, by=by, at=at, result=result, text=text)
    return one


def _visit_from(one: Alarm, pack: RulePack) -> datetime:
    """An hour after the ladder began: time in quiet hours, and time to charge an empty battery, does not count."""
    return queries.first_due(one.kind, one.known_at, pack) + timedelta(minutes=pack["visit_after"])


def _next(one: Alarm, step: str, due: datetime, pack: RulePack) -> None:
    one.next_step, one.due = step, queries.not_at_night(one.kind, due, pack)


def _step(one: Alarm, kind: str, *, by: audit.Actor, at: datetime, result: str = "", text: str = "") -> None:
    Step.objects.create(alarm=one, kind=kind, result=result, text=seal(text.strip()), by=audit.actor_name(by), at=at)


def _done(one: Alarm, kind: str, *, by: audit.Actor, at: datetime, result: str = "", text: str = "") -> None:
    one.save()
    _step(one, kind, by=by, at=at, result=result, text=text)
    audit.record(f"quarantine.alarm_{kind}", by=by, at=at, subject=one.id, person=one.order.person_id, result=result)
    live.tell(TOPIC, alarm=one.id)


_ASKS = {Alarm.Kind.LEFT: "fence_left", Alarm.Kind.SILENT: "fence_silent"}  # wordings of their own
_OTHER_ASKS = {
    Alarm.Kind.OFF: gettext_noop("Your phone’s battery seems to be empty. Please charge it. If you need help: %(link)s"),
    Alarm.Kind.SPOOFED: gettext_noop(
        "Your phone tells places that do not fit together; that may be its fault. We will call you. What was seen: %(link)s"
    ),
}
_REFERRED = gettext_noop(
    "Somebody has decided to pass on that you left the place of your order. What it stands on, and how to appeal: %(link)s"
)


def _send_message(one: Alarm, *, at: datetime) -> None:
    """The first step: how somebody is, before anything else."""
    template = _ASKS.get(Alarm.Kind(one.kind))
    if template is None:
        _tell(one, _OTHER_ASKS[Alarm.Kind(one.kind)], "care", at=at)
        return
    since = datetime.fromtimestamp(one.excursion, clock.zone())
    _send(one, template, {"link": _link(one), "since": f"{since:%Y-%m-%d %H:%M}"}, "care", at=at)


def _tell(one: Alarm, text: str, what: str, *, at: datetime) -> None:
    with override(wordings.language_of(one.order.language)):
        words = gettext(text) % {"link": _link(one)}
    _send(one, "order_news", {"text": words}, what, at=at)


def _link(one: Alarm) -> str:
    link = queries.link_of(one.order)
    return address_of(link) if link else ""


def _send(one: Alarm, template: str, values: dict[str, str], what: str, *, at: datetime) -> None:
    row = one.order
    notices.send(
        row.person_id, template, values, dedupe_key=f"alarm:{one.id}:{what}", about=("order", str(row.id)),
        urgent=one.kind == Alarm.Kind.LEFT, language=wordings.language_of(row.language) if row.language else "",
        by=TOPIC, at=at,
    )  # fmt: skip
