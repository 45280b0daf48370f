"""One person's fence: state, fixes with their errors, phones, alarms with every step, and what was deleted."""

import math
from datetime import UTC, datetime
from typing import Any

import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import CallForm, CloseForm, EnrolForm, ReasonForm, VisitForm
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import OrderError
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.core.modules import Layer
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing

from .shown import order_or_404, shown_errands

SOURCES = (gettext_noop("satellite"), gettext_noop("radio network"), gettext_noop("cell"), gettext_noop("telephone"))
_ROUND = 48  # corners of a drawn circle
_PER_DEGREE = 111_195.0


@needs("quarantine.desk")
@require_GET
def fence(request: HttpRequest, number: int) -> HttpResponse:
    """Everything the fence knows of one person, and what was done about it."""
    return fence_page(request, order_or_404(number))


def fence_page(request: HttpRequest, row: Order, status: int = 200, **more: Any) -> HttpResponse:
    """The page; the look at the person is written down."""
    at = clock.now()
    sees = request.user.has_perm("people.view_names")
    record = people.record_of(row.person_id, by=request.user, at=at, why="alarm") if sees else None
    watch, alarms = queries.watch_of(row), list(queries.alarms_of(row)[:30])
    steps, holder = queries.steps_of(alarms), queries.phone_of(row)
    layers = [
        Layer(name, title, f"{reverse('quarantine:fence', args=[row.id])}{name}.geojson", needs="quarantine.desk", kind=kind)
        for name, title, kind in _LAYERS
    ]
    context = {
        "row": row,
        "record": record,
        "pseudonym": tracing.pseudonym(row.person_id),
        "place": queries.place_text(row),
        "grounds": queries.grounds_of(row),
        "day": queries.day_text(row, at),
        "watch": watch,
        "holder": holder,
        "clock": queries.clock_text((watch and watch.clock_ahead) or 0),
        "errands": shown_errands(row, at),
        "shared": queries.holders_of_phone(holder) - 1 if holder else 0,
        "fixes": [_shown(one) for one in _fixes(row)],
        "layers": layers if row.spot else (),
        "alarms": [_alarm(one, steps.get(one.id, [])) for one in alarms],
        "transitions": queries.transitions_of(row)[:40],
        "receipts": queries.receipts_of(row),
        "call_form": CallForm(),
        "visit_form": VisitForm(),
        "close_form": CloseForm(),
        "refer_form": ReasonForm(),
        "enrol_form": EnrolForm(),
        "network": _(services.NETWORKS.get(settings.network, "")) if settings.network else "",
        "me": request.user.get_username(),
    }
    return render(request, "quarantine/fence.html", context | more, status=status)


_LAYERS = (
    ("place", gettext_noop("The place"), "fill"),
    ("errors", gettext_noop("How far a fix may err"), "line"),
    ("fixes", gettext_noop("Fixes"), "circle"),
)


def _fixes(row: Order) -> list[dict[str, Any]]:
    """The last fixes of somebody, and those that open and former alarms stand on; the newest first."""
    watch = queries.watch_of(row)
    found = services.shown_fixes(unseal(watch.body)) if watch and watch.body else []
    for one in queries.alarms_of(row)[:5]:
        found += queries.evidence_of(one)
    return sorted({one["time"]: one for one in found}.values(), key=lambda one: -one["time"])[:200]


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"at": datetime.fromtimestamp(one["time"], UTC), "by": _(SOURCES[one["source"]])}


def _alarm(one: Any, steps: list[Any]) -> dict[str, Any]:
    return {
        "alarm": one,
        "steps": [{"step": step, "text": unseal(step.text), "name": queries.step_text(step)} for step in steps],
        "signals": services.signals_of(one),
        "fixes": len(queries.evidence_of(one)),
    }


@needs("quarantine.desk")
@require_GET
def fence_shapes(request: HttpRequest, number: int, name: str) -> JsonResponse:
    """The place, the fixes or their errors as a map layer."""
    row = order_or_404(number)
    if name not in {one for one, _title, _kind in _LAYERS}:
        raise Http404
    if name == "place":
        features = [_circle(row.lon, row.lat, row.radius, queries.place_text(row))] if row.spot else []
    else:
        fixes = [_shown(one) for one in _fixes(row)]
        features = [_error(one) for one in fixes if one["accuracy"]] if name == "errors" else [_fix(one) for one in fixes]
    return JsonResponse({"type": "FeatureCollection", "features": features}, content_type="application/geo+json")


def _words(one: dict[str, Any]) -> str:
    error = f" ± {one['accuracy']:.0f} m" if one["accuracy"] else ""
    return f"{one['at'].astimezone(clock.zone()):%m-%d %H:%M}{error} · {one['by']}"


def _fix(one: dict[str, Any]) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [one["lon"], one["lat"]]}
    return {"type": "Feature", "geometry": point, "properties": {"name": _words(one)}}


def _error(one: dict[str, Any]) -> dict[str, Any]:
    return _circle(one["lon"], one["lat"], one["accuracy"], _words(one))


def _circle(lon: float, lat: float, metres: float, name: str) -> dict[str, Any]:
    north, east = metres / _PER_DEGREE, metres / _PER_DEGREE / max(0.01, math.cos(math.radians(lat)))
    turns = [2 * math.pi * n / _ROUND for n in range(_ROUND + 1)]
    corners = [[lon + east * math.cos(turn), lat + north * math.sin(turn)] for turn in turns]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [corners]}, "properties": {"name": name}}


@needs("quarantine.desk")
@require_POST
def enrol(request: HttpRequest, number: int) -> HttpResponse:
    """Let a telephone speak for somebody: its square is shown once."""
    row, form = order_or_404(number), EnrolForm(request.POST)
    if not form.is_valid():
        return fence_page(request, row, 422, refused=_("Choose whose telephone it is."))
    try:
        _phone, token = services.enrol_phone(row.id, kind=form.cleaned_data["kind"], by=request.user, at=clock.now())
    except OrderError as error:
        return fence_page(request, row, 422, refused=_(error.rule))
    link = services.phone_address(token)
    square = segno.make(link, error="m", micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return fence_page(request, row, new_phone={"link": link, "square": square, "token": token})


@needs("quarantine.desk")
@require_POST
def end_phone(request: HttpRequest, number: int) -> HttpResponse:
    """Let a telephone say nothing any more: lost, stolen, given back."""
    row = order_or_404(number)
    if services.end_phone(row.id, by=request.user, at=clock.now()):
        messages.success(request, _("This telephone says nothing any more."))
    return redirect("quarantine:fence", row.id)
