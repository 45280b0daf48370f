"""One order: whom it binds, why and until when, everything that was done, and its papers."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from epipolis.act.notices import queries as notices
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import (
    AnswerForm,
    AskForm,
    DaysForm,
    ErrandForm,
    IssueForm,
    MoveForm,
    NeedsForm,
    ReasonForm,
    ToldForm,
    WatchForm,
    WellForm,
)
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import OrderError
from epipolis.core import clock, rules
from epipolis.core.access import needs
from epipolis.core.modules import Layer
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing

from .shown import needs_initial, order_or_404, shown, shown_errands

SPOT_LAYERS = (
    Layer("districts", gettext_noop("Districts"), "/api/v1/city/districts.geojson", needs="", kind="fill"),
    Layer("neighbourhoods", gettext_noop("Neighbourhoods"), "/api/v1/city/neighbourhoods.geojson", needs="", kind="line"),
)


@needs("quarantine.view")
@require_GET
def order(request: HttpRequest, number: int) -> HttpResponse:
    """Everything about one order."""
    return page(request, order_or_404(number))


@needs("quarantine.view")
@require_GET
def paper(request: HttpRequest, number: int, kind: str) -> HttpResponse:
    """A paper about an order. It bears the name, so only those who may see names get it."""
    row = order_or_404(number)
    if not request.user.has_perm("people.view_names"):
        raise Http404
    try:
        made = services.draw_paper(row, kind, by=request.user, at=clock.now())
    except OrderError as error:
        raise Http404 from error
    response = HttpResponse(made.content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{made.name}"'
    return response


def page(request: HttpRequest, row: Order, status: int = 200, **more: Any) -> HttpResponse:
    """The page of an order; a form that was refused comes in by its name and is shown as it was filled in."""
    at = clock.now()
    sees_names = request.user.has_perm("people.view_names")
    record = people.record_of(row.person_id, by=request.user, at=at, why="order") if sees_names else None
    household = list(queries.household_of_order(row))
    context = {
        "row": row,
        "record": record,
        "pseudonym": tracing.pseudonym(row.person_id),
        "address": unseal(row.address) if sees_names else "",
        "own_number": unseal(row.own_number) if sees_names else "",
        "place": queries.place_text(row),
        "day": queries.day_text(row, at),
        "why": rules.explain(row.decision),
        "ended_why": rules.explain(row.end_reason),
        "asks": queries.ask_text(row),
        "asks_why": queries.why_asked(row),
        "changes_it": queries.what_changes(row, clock.local_day(at)),
        "lines": _lines(row),
        "needs_told": [{"need": one, "text": unseal(one.text)} for one in queries.needs_of(row)],
        "appeals": [_appeal(one) for one in queries.appeals_of(row)],
        "reports": queries.reports_of(row)[:30],
        "errands": shown_errands(row, at),
        "messages_sent": _messages(row),
        "others": shown(request, household, at),
        "former": queries.orders_of(row.person_id).exclude(id=row.id),
        "grounds": queries.grounds_of(row),
        "watch_grounds": queries.watch_grounds(clock.local_day(at)),
        "link": queries.link_of(row),
        "papers": services.PAPERS if row.issued_at and sees_names else (),
        "spot_layers": SPOT_LAYERS,
        "drafts_in_household": any(one.state == "draft" for one in household),
    }
    return render(request, "quarantine/order.html", context | _forms(row, record, at) | more, status=status)


def _lines(row: Order) -> list[dict[str, Any]]:
    """The history, newest first; the newest of its kind may be taken back."""
    found, newest = [], set()
    for line in queries.changes_of(row)[:200]:
        can_undo = line.kind in services.UNDOABLE and line.undone_at is None and line.kind not in newest
        if line.undone_at is None:
            newest.add(line.kind)
        found.append({"line": line, "name": queries.change_name(line), "text": queries.change_text(line), "can_undo": can_undo})
    return found


def _messages(row: Order) -> list[dict[str, Any]]:
    """What was sent about an order, each with what it is for."""
    known = {one.name: one.about for one in notices.kinds()}
    sent = notices.notices_about(("order", str(row.id)))[:30]
    return [{"notice": one, "about": known.get(one.template, one.template)} for one in sent]


def _appeal(one: Any) -> dict[str, Any]:
    return {
        "appeal": one,
        "text": unseal(one.text),
        "answer": unseal(one.answer_text),
        "why": rules.explain(one.evidence.get("decision") or {}),
    }


def _forms(row: Order, record: people.PersonRecord | None, at: datetime) -> dict[str, Any]:
    local = at.astimezone(clock.zone()).strftime("%Y-%m-%dT%H:%M")
    today, proposed = clock.local_day(at), queries.proposed_needs(row, at)
    where = {"place": row.place, "facility": row.facility, "radius": row.radius}
    if record:
        spot = {"lon": row.lon, "lat": row.lat} if row.spot else {}
        where |= {"address": unseal(row.address) or record.address} | spot
    told = {"told_at": local, "language": row.language}
    days = {"starts": max(row.starts, today) if row.starts else today, "until": row.until}
    return {
        "issue_form": IssueForm(initial=where | told | days | queries.default_grounds(today)),
        "days_form": DaysForm(initial={"until": row.until}),
        "move_form": MoveForm(initial=where, auto_id="moveform_%s"),
        "lift_form": ReasonForm(auto_id="lift_%s"),
        "withdraw_form": ReasonForm(auto_id="withdraw_%s"),
        "decline_form": ReasonForm(auto_id="decline_%s"),
        "ask_form": AskForm(),
        "told_form": ToldForm(initial={"told_at": local}),
        "well_form": WellForm(initial={"well_since": row.well_since}),
        "errand_form": ErrandForm(initial={"begins": local}),
        "watch_form": WatchForm(),
        "unwatch_form": ReasonForm(auto_id="unwatch_%s"),
        "proposed": proposed,
        "needs_form": NeedsForm(initial=needs_initial(proposed)),
        "answer_form": AnswerForm(),
    }
