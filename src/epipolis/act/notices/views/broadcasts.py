"""Warnings by area: drafted, released by a second person, called off; and what everybody may read of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.forms import CERTAINTY, RESPONSE, SEVERITY, URGENCY, BroadcastForm, ReasonForm
from epipolis.act.notices.models import Broadcast
from epipolis.core import clock
from epipolis.core.access import needs, public
from epipolis.core.context import is_simulated
from epipolis.core.modules import modules

_MOST = 100
_OUT = (Broadcast.State.APPROVED, Broadcast.State.SENT)
_PARTS = ("headline", "text", "instruction")


@needs("notices.view")
@require_safe
def broadcasts(request: HttpRequest) -> HttpResponse:
    """Warnings, those that wait for a second person first."""
    rows = sorted(queries.broadcasts()[:_MOST], key=lambda row: row.state != Broadcast.State.DRAFTED)
    shown = [
        {
            "row": row,
            "headline": _said(row.headlines),
            "where": queries.area_said(row),
            "severity": SEVERITY.get(row.severity, ""),
        }
        for row in rows
    ]
    return render(request, "notices/broadcasts.html", {"rows": shown})


@needs("notices.warn")
@require_http_methods(["GET", "HEAD", "POST"])
def draft_broadcast(request: HttpRequest) -> HttpResponse:
    """Draft a warning with its area and its words in every language."""
    changed = _changed(request)
    form = BroadcastForm(request.POST or None, initial=_initial(changed) if changed else None)
    if request.method == "POST" and form.is_valid():
        try:
            told, at = form.cleaned_data, clock.now()
            made = services.draft_broadcast(_warned(request, told, at), by=request.user, at=at, simulated=is_simulated())
        except services.NoticeError as error:
            form.add_error(None, _(error.text) % error.values)
        else:
            messages.success(request, _("It is drafted. Nothing leaves before a second person lets it go out."))
            return redirect("notices:broadcast", number=made.id)
    context = {
        "form": form,
        "changed": changed,
        "changed_headline": _said(changed.headlines) if changed else "",
        "texts": [(code, name, _texts(request, code, changed)) for code, name in queries.languages().items()],
        "layers": _layers(),
    }
    return render(request, "notices/draft_broadcast.html", context, status=422 if form.errors else 200)


@needs("notices.view")
@require_safe
def broadcast(request: HttpRequest, number: UUID) -> HttpResponse:
    """One warning: its words, who decided what, and how many have it."""
    row = _broadcast(number)
    states = queries.states_of_broadcast(row)
    context = {
        "row": row,
        "headline": _said(row.headlines),
        "where": queries.area_said(row),
        "texts": [
            (name, *(queries.said_exactly(row, part, code) for part in _PARTS)) for code, name in queries.languages().items()
        ],
        "words": [
            (_("How bad"), SEVERITY.get(row.severity)),
            (_("How soon"), URGENCY.get(row.urgency)),
            (_("How sure"), CERTAINTY.get(row.certainty)),
            (_("What to do"), RESPONSE.get(row.response)),
        ],
        "arrived": states.get("delivered", 0) + states.get("read", 0),
        "sent": states.get("sent", 0),
        "failed": states.get("failed", 0) + states.get("expired", 0),
        "without": queries.count_without_way(row, services.NO_WAY),
        "area": {"type": "MultiPolygon", "coordinates": [[ring] for ring in queries.rings_of(row)]},
        "layers": _layers(),
        "left": sum(states.get(one, 0) for one in ("waiting", "held", "sending")),
        "is_own": row.drafted_by_id == request.user.id,
        "is_out": row.state in _OUT,
        "newer": queries.newer(row),
    }
    return render(request, "notices/broadcast.html", context)


@needs("notices.release")
@require_POST
def approve_broadcast(request: HttpRequest, number: UUID) -> HttpResponse:
    """Let a warning go out that somebody else drafted."""
    return _step(request, number, services.approve_broadcast, _("It goes out now."))


@needs("notices.warn")
@require_POST
def refuse_broadcast(request: HttpRequest, number: UUID) -> HttpResponse:
    """Give a draft up."""
    return _step(request, number, services.refuse_broadcast, _("The draft is given up."), _reason(request))


@needs("notices.release")
@require_POST
def cancel_broadcast(request: HttpRequest, number: UUID) -> HttpResponse:
    """Call a warning off."""
    return _step(request, number, services.cancel_broadcast, _("It is called off."), _reason(request))


@public
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """For everybody: the warnings of the city."""
    at = clock.now()
    rows = sorted((_public(row, at) for row in queries.published()[:30]), key=lambda one: one["is_over"])
    return render(request, "notices/alerts.html", {"rows": rows})


@public
@require_safe
def alert(request: HttpRequest, number: UUID) -> HttpResponse:
    """For everybody: one warning."""
    row = queries.published().filter(id=number).first()
    if row is None:
        raise Http404
    return render(request, "notices/alert.html", _public(row, clock.now()))


@public
@require_safe
def alert_cap(request: HttpRequest, number: UUID) -> HttpResponse:
    """For other systems: one warning as CAP 1.2."""
    row = queries.published().filter(id=number).first()
    if row is None:
        raise Http404
    return HttpResponse(queries.cap(row), content_type="application/cap+xml; charset=utf-8")


@public
@require_safe
def alerts_feed(request: HttpRequest) -> HttpResponse:
    """For other systems: the newest warnings as a feed."""
    body = queries.feed(queries.published()[:50], at=clock.now())
    return HttpResponse(body, content_type="application/atom+xml; charset=utf-8")


def _layers() -> list[Any]:
    """What lies under the area of a warning: the city."""
    return [layer for name in ("city",) if name in modules() for layer in modules()[name].layers if layer.kind == "fill"]


def _warned(request: HttpRequest, told: dict[str, Any], at: Any) -> services.Warned:
    texts = {code: _texts(request, code) for code in queries.languages()}
    by_part = {part: {code: one[part] for code, one in texts.items() if one[part]} for part in _PARTS}
    return services.Warned(
        event=told["event"],
        headlines=by_part["headline"],
        texts=by_part["text"],
        instructions=by_part["instruction"],
        severity=told["severity"],
        urgency=told["urgency"],
        certainty=told["certainty"],
        response=told["response"],
        expires=at + timedelta(hours=told["hours"]),
        districts=() if told["corners"] else tuple(int(one) for one in told["districts"]),
        polygon=queries.polygon_of(told["corners"] or ()),
        replaces=told["replaces"],
    )


def _changed(request: HttpRequest) -> Broadcast | None:
    """The warning that is to be changed, while it is out."""
    try:
        found = queries.broadcast(UUID(request.GET.get("replaces") or request.POST.get("replaces", "")))
    except ValueError:
        return None
    return found if found and found.state in _OUT else None


def _initial(row: Broadcast) -> dict[str, Any]:
    """What the form begins with when a warning is changed."""
    told = {name: getattr(row, name) for name in ("event", "severity", "urgency", "certainty", "response")}
    ring = row.polygon["coordinates"][0][:-1] if row.polygon else []
    corners = "\n".join(f"{lat}, {lon}" for lon, lat in ring)
    return told | {"replaces": row.id, "districts": [str(one) for one in row.districts], "corners": corners}


def _texts(request: HttpRequest, code: str, changed: Broadcast | None = None) -> dict[str, str]:
    if changed and request.method != "POST":
        return {part: queries.said_exactly(changed, part, code) for part in _PARTS}
    return {part: request.POST.get(f"{part}_{code}", "").strip() for part in _PARTS}


def _public(row: Broadcast, at: Any) -> dict[str, Any]:
    return {
        "row": row,
        "headline": _said(row.headlines),
        "where": queries.area_said(row),
        "text": _said(row.texts),
        "instruction": _said(row.instructions),
        "severity": SEVERITY.get(row.severity, ""),
        "is_over": row.expires <= at or row.state not in _OUT,
        "newer": queries.newer(row) if row.state == Broadcast.State.REPLACED else None,
    }


def _said(texts: dict[str, str]) -> str:
    return queries.said(texts, get_language() or "")


def _reason(request: HttpRequest) -> tuple[str]:
    form = ReasonForm(request.POST)
    return (form.cleaned_data["reason"] if form.is_valid() else "",)


def _step(request: HttpRequest, number: UUID, act: Any, done: str, told: tuple[str, ...] = ()) -> HttpResponse:
    _broadcast(number)
    try:
        act(number, *told, by=request.user, at=clock.now())
        messages.success(request, done)
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
    return redirect("notices:broadcast", number=number)


def _broadcast(number: UUID) -> Broadcast:
    found = queries.broadcast(number)
    if found is None:
        raise Http404
    return found
