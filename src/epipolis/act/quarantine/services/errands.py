"""Errands: an officer agrees with somebody under an order that they may leave for a while. It is told, and can be taken back.

The fence learns of it in a step of the stream, so that a replay goes by the errands of its moment. A fix outside that is
taken at the time of an errand begins no excursion; who left before, or is still out when it ends, is on one.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext, gettext_noop, override

from epipolis.act.notices import queries as wordings
from epipolis.act.notices import services as notices
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Errand, Order, Watch
from epipolis.core import audit, clock, live
from epipolis.core.sealing import seal

from .changing import in_force
from .links import address_of
from .storing import OrderError, store
from .streaming import TOPIC, Turn, follower

_LONGEST = timedelta(days=1)
_AGREED = gettext_noop("You may leave your place: %(span)s, for %(reason)s. Please be back in time. All about it: %(link)s")
_TAKEN_BACK = gettext_noop("You may not leave your place after all: %(span)s, for %(reason)s. All about it: %(link)s")


def agree_errand(
    order_id: int, *, reason: str, begins: datetime, until: datetime, by: audit.Actor, at: datetime, text: str = ""
) -> Errand:
    """Agree that somebody may be elsewhere from `begins` until before `until`. Agreed twice it is one.

    It may begin in the past, for who calls from the way: an excursion that began within it is none any more.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not in force then, the time is over, too long or ends before it begins, or there is no such reason.
    """
    with follower.turn(at) as turn:
        row = in_force(order_id)
        _check(row, reason, begins, until, at)
        same = Errand.objects.filter(order=row, reason=reason, begins=begins, until=until, ended=None).first()
        if same is not None:
            return same
        made = Errand.objects.create(
            order=row, reason=reason, text=seal(text.strip()), begins=begins, until=until, at=at, by=audit.actor_name(by)
        )
        _store(turn, row, made, "errand", by=by, at=at)
        _tell(row, made, _AGREED, by=by, at=at)
    return made


def end_errand(number: int, *, by: audit.Actor, at: datetime) -> Errand:
    """Take an errand back from now on; what was done under it before stays agreed. Twice changes nothing.

    Raises:
        Errand.DoesNotExist: there is none.
        OrderError: its time is over, or the order is not in force.
    """
    with follower.turn(at) as turn:
        one = Errand.objects.get(id=number)
        row = in_force(one.order_id)
        one.refresh_from_db()
        if one.ended is not None:
            return one
        if one.until <= at:
            raise OrderError("errand", gettext_noop("its time is over"))
        one.ended, one.ended_by = at, audit.actor_name(by)
        one.save(update_fields=["ended", "ended_by"])
        _store(turn, row, one, "errand_off", by=by, at=at)
        _tell(row, one, _TAKEN_BACK, by=by, at=at)
    return one


def _check(row: Order, reason: str, begins: datetime, until: datetime, at: datetime) -> None:
    ends = queries.ends_at(row)
    if reason not in Errand.Reason.values:
        raise OrderError("reason", gettext_noop("choose one of the reasons"))
    if until <= begins:
        raise OrderError("until", gettext_noop("must lie after the beginning"))
    if until <= at:
        raise OrderError("until", gettext_noop("is over already"))
    if until - begins > _LONGEST:
        raise OrderError("until", gettext_noop("an errand lasts a day at most; who is away for longer stays elsewhere"))
    if ends is not None and until > ends:
        raise OrderError("until", gettext_noop("the order ends before"))
    if row.starts is not None and begins < clock.start_of(row.starts):
        raise OrderError("begins", gettext_noop("the order begins later"))


def _store(turn: Turn, row: Order, one: Errand, kind: str, *, by: audit.Actor, at: datetime) -> None:
    span = {"begins": one.begins.isoformat(), "stops": one.until.isoformat()}
    store(row, kind, {}, span, by=by, at=at, reason=_label(one), errand=one.id, why=one.reason, **span)
    if Watch.objects.filter(order=row, ended=None).exists():
        turn.step("errand", {"order": row.id, "errands": queries.errand_spans(row.id)})
        live.tell(TOPIC, order=row.id)


def _label(one: Errand) -> str:
    """The reason in the language of the source: the history is translated when it is read."""
    with override("en"):
        return str(Errand.Reason(one.reason).label)


def _tell(row: Order, one: Errand, words: str, *, by: audit.Actor, at: datetime) -> None:
    link = queries.link_of(row)
    with override(wordings.language_of(row.language)):
        values = {"span": queries.span_text(one.begins, one.until), "reason": str(Errand.Reason(one.reason).label)}
        text = gettext(words) % (values | {"link": address_of(link) if link else ""})
    notices.send(
        row.person_id, "order_news", {"text": text}, dedupe_key=f"errand:{one.id}:{one.ended is None}",
        about=("order", str(row.id)), language=wordings.language_of(row.language) if row.language else "", by=by, at=at,
    )  # fmt: skip
