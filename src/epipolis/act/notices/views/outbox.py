"""The outbox: every message with what became of it, one of them with each thing that happened, and what it all cost."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.forms import NoticeFilter
from epipolis.act.notices.models import OPEN, Channel, Notice, State
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

ROWS = 50
KINDS = {
    "order": gettext_noop("order"),
    "person": gettext_noop("the person"),
    "broadcast": gettext_noop("warning"),
}
TONES = {
    State.WAITING: "blue",
    State.HELD: "azure",
    State.SENDING: "blue",
    State.SENT: "cyan",
    State.DELIVERED: "green",
    State.READ: "green",
    State.FAILED: "red",
    State.STOPPED: "secondary",
    State.EXPIRED: "orange",
}


@needs("notices.view")
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """Messages, the newest first, without names and texts."""
    form, at = NoticeFilter(request.GET), clock.now()
    told = form.cleaned_data if form.is_valid() else {}
    wanted = queries.Wanted(
        state=told.get("state") or "", channel=told.get("channel") or "", template=told.get("template") or "",
        day=told.get("day"), about_kind=request.GET.get("about_kind", "")[:40].replace("\0", ""),
        about_id=request.GET.get("about_id", "")[:64].replace("\0", ""),
    )  # fmt: skip
    try:
        page = page_of(queries.notices(wanted), request.GET.get("cursor"), ROWS, ("-made", "id"))
    except ProblemError:
        page = page_of(queries.notices(wanted), None, ROWS, ("-made", "id"))
    counts = queries.count_by_state(at - timedelta(days=1))
    context = {
        "form": form,
        "rows": shown(page["items"]),
        "next": page["next"],
        "is_filtered": wanted != queries.Wanted(),
        "waiting": queries.waiting(at),
        "arrived": counts.get("delivered", 0) + counts.get("read", 0),
        "failed": counts.get("failed", 0) + counts.get("expired", 0),
        "day": sum(counts.values()),
        "currency": queries.costs(at)["currency"],
    }
    return render(request, "notices/outbox.html", context)


@needs("notices.view")
@require_safe
def notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """One message and everything that happened to it, without whom it is for and what it says."""
    return notice_page(request, _notice(notice_id))


@needs("notices.open")
@require_POST
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """The same in clear; that it was opened is written down, and the person can see it."""
    opened = services.open_notice(notice_id, by=request.user, at=clock.now())
    if opened is None:
        raise Http404
    row, to, subject, body = opened
    return notice_page(request, row, opened={"to": to, "subject": subject, "body": body})


@needs("notices.send")
@require_POST
def cancel(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Take a message back that has not left."""
    return _step(request, notice_id, services.cancel_notice, _("It is taken back; nothing has left."))


@needs("notices.send")
@require_POST
def try_now(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Let a message leave that waits for its next try."""
    return _step(request, notice_id, services.try_now, _("It leaves within seconds, or when the quiet hours are over."))


@needs("notices.view")
@require_safe
def costs(request: HttpRequest) -> HttpResponse:
    """What messages cost, by channel and day, and how many arrived."""
    at = clock.now()
    until = clock.local_day(at)
    days = 7 if request.GET.get("days") == "7" else 30
    since = until - timedelta(days=days - 1)
    by_channel, by_day = queries.spent(since, until), queries.spent_by_day(since, until)
    pack = queries.costs(at)
    context = {
        "days": days,
        "by_channel": by_channel,
        "by_day": by_day[::-1],
        "total": sum(one.cost for one in by_channel),
        "sent": sum(one.sent for one in by_channel),
        "currency": pack["currency"],
        "pack": pack,
        "prices": [(Channel(name).label, price, 2 if round(price, 2) == price else 4) for name, price in pack["part"].items()],
        "chart": _chart(by_day),
    }
    return render(request, "notices/costs.html", context)


def shown(rows: list[Notice]) -> list[dict[str, Any]]:
    """Messages with the words and colours of their lists."""
    abouts = {one.name: _(one.about) for one in queries.kinds()}
    return [
        {
            "row": row,
            "about": abouts.get(row.template, row.template),
            "kind": _(KINDS.get(row.about_kind, row.about_kind)),
            "tone": TONES[State(row.state)],
        }
        for row in rows
    ]


def notice_page(request: HttpRequest, row: Notice, opened: dict[str, str] | None = None) -> HttpResponse:
    events = [
        {"event": one, "text": queries.event_text(one), "why": _(one.text) if one.text else ""}
        for one in queries.events_of(row)
    ]
    context = {
        **shown([row])[0],
        "notice": row,
        "reason": _(row.reason) if row.reason else "",
        "events": events,
        "opened": opened,
        "is_open": row.state in OPEN,
        "live_topic": "" if opened else "notices",  # what was opened stays open
        "ways_left": services.ways_left(row),
        "answers": row.answers.count(),
        "language": queries.languages().get(row.language, row.language),
        "currency": queries.costs(clock.now())["currency"],
    }
    return render(request, "notices/notice.html", context)


def _step(request: HttpRequest, notice_id: UUID, act: Any, done: str) -> HttpResponse:
    _notice(notice_id)
    try:
        act(notice_id, by=request.user, at=clock.now())
        messages.success(request, done)
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
    return redirect("notices:notice", notice_id=notice_id)


def _notice(notice_id: UUID) -> Notice:
    found = queries.notice(notice_id)
    if found is None:
        raise Http404
    return found


def _chart(by_day: list[tuple[Any, int, Any]]) -> dict[str, Any] | None:
    if not any(count for _day, count, _cost in by_day):
        return None
    return {
        "kind": "bar",
        "x": [day.isoformat() for day, _count, _cost in by_day],
        "series": [{"name": _("messages"), "values": [count for _day, count, _cost in by_day]}],
        "x_title": _("Day"),
    }
