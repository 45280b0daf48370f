"""The officer's desk: whom the fence follows, which alarms wait, and what is done about them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import CallForm, CloseForm, DeskFilter, ReasonForm, ShiftForm, VisitForm
from epipolis.act.quarantine.models import Alarm, FenceState
from epipolis.act.quarantine.services import OrderError
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.core.modules import Layer
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing

_PAGE, _ALARMS = 25, 50
_WHY = "alarm"
POINTS = Layer(
    "watched",
    gettext_noop("Minutes since the phone was heard"),
    "quarantine:watched_points",
    needs="quarantine.desk",
    colour_by="minutes",
    kind="circle",
)
AWAY = Layer(
    "away",
    gettext_noop("Minutes away"),
    "quarantine:away_points",
    needs="quarantine.desk",
    colour_by="minutes",
    kind="circle",
)


@needs("quarantine.desk")
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """Alarms as tasks, the next due first; and everybody who is watched, with the age of each fact."""
    at = clock.now()
    form = DeskFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    state, show = chosen.get("state", ""), chosen.get("show") or "open"
    rows = queries.watches(state=state)
    page = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    mine = request.user.get_username() if show == "mine" else ""
    alarms = list((queries.closed_alarms() if show == "closed" else queries.open_alarms(mine=mine))[:_ALARMS])
    shown = (*alarms, *page.object_list)
    concerned = [one.order.person_id for one in shown]
    named = people.named_in_list(concerned, by=request.user, at=at, why=_WHY)
    bare = queries.without_phone()
    errands = {key: _until(one.until, at) for key, one in queries.errands_at({one.order_id for one in shown}, at).items()}
    counted = queries.count_states()
    context = {
        "at": at,
        "state": state,
        "show": show,
        "page": page,
        "people": [
            _person(one, named)
            | {
                "has_phone": one.order_id not in bare,
                "errand": errands.get(one.order_id),
                "clock": queries.clock_text(one.clock_ahead or 0),
            }
            for one in page.object_list
        ],
        "alarms": [
            _person(one, named) | {"alarm": one, "is_late": queries.is_late(one, at), "errand": errands.get(one.order_id)}
            for one in alarms
        ],
        "states": [(value, label, counted[value]) for value, label in FenceState.choices],
        "total": sum(counted.values()),
        "due": queries.count_due(at),
        "note": _note(queries.shift_notes().first()),
        "layers": (_districts(), AWAY, POINTS) if counted else (),
        "me": request.user.get_username(),
    }
    return render(request, "quarantine/desk.html", context)


def _until(moment: datetime, at: datetime) -> str:
    """When something ends, by the city's clock; with the day only where it is another."""
    here = moment.astimezone(clock.zone())
    return date_format(here, "TIME_FORMAT" if here.date() == clock.local_day(at) else "SHORT_DATETIME_FORMAT")


def _districts() -> Layer:
    return Layer("districts", gettext_noop("Districts"), "/api/v1/city/districts.geojson", needs="", kind="fill")


def _person(one: Any, named: dict[Any, people.Name]) -> dict[str, Any]:
    person = one.order.person_id
    return {"row": one, "order": one.order, "name": named.get(person), "pseudonym": tracing.pseudonym(person)}


def _note(note: Any) -> dict[str, Any] | None:
    return {"note": note, "text": unseal(note.text), "open": sum(note.open_alarms.values())} if note else None


@needs("quarantine.desk")
@require_GET
def watched_points(request: HttpRequest) -> JsonResponse:
    """Where people are to be, coloured by how long nothing was heard: their place, never where they walk."""
    at = clock.now()
    features = [
        _point(one.order.lon, one.order.lat, one, at, minutes=_minutes(one.heard or one.began, at))
        for one in queries.watches()[:5_000]
        if one.order.spot and one.state != FenceState.OUTSIDE
    ]
    return _geojson(features)


@needs("quarantine.desk")
@require_GET
def away_points(request: HttpRequest) -> JsonResponse:
    """The last fix of those who seem to be away."""
    at, features = clock.now(), []
    for one in queries.watches(state=str(FenceState.OUTSIDE))[:1_000]:
        fixes = services.shown_fixes(unseal(one.body)) or [{"lon": one.order.lon, "lat": one.order.lat}]
        features.append(_point(fixes[0]["lon"], fixes[0]["lat"], one, at, minutes=_minutes(one.since or at, at)))
    return _geojson(features)


def _point(lon: float, lat: float, one: Any, at: datetime, **more: Any) -> dict[str, Any]:
    words = {"name": f"{one.order.number} · {one.get_state_display()}", "url": reverse("quarantine:fence", args=[one.order_id])}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": words | more}


def _minutes(since: datetime, at: datetime) -> int:
    return max(0, int((at - since).total_seconds() // 60))


def _geojson(features: list[dict[str, Any]]) -> JsonResponse:
    return JsonResponse({"type": "FeatureCollection", "features": features}, content_type="application/geo+json")


def _do(request: HttpRequest, number: int, run: Callable[[Alarm], Any], done: str) -> HttpResponse:
    one = queries.alarm(number)
    if one is None:
        raise Http404
    try:
        run(one)
        messages.success(request, done)
    except OrderError as error:
        messages.error(request, _(error.rule))
    if request.POST.get("back") == "desk":
        return redirect("quarantine:desk")
    return redirect(f"{reverse('quarantine:fence', args=[one.order_id])}#alarm-{one.id}")


@needs("quarantine.desk")
@require_POST
def take(request: HttpRequest, number: int) -> HttpResponse:
    """Look after an alarm oneself."""
    return _do(request, number, lambda one: services.take_alarm(one.id, by=request.user, at=clock.now()), _("It is yours."))


@needs("quarantine.desk")
@require_POST
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """Leave an alarm to others."""
    return _do(
        request, number, lambda one: services.give_back(one.id, by=request.user, at=clock.now()), _("Others may take it now.")
    )


@needs("quarantine.desk")
@require_POST
def note_call(request: HttpRequest, number: int) -> HttpResponse:
    """Note what came of a call."""
    return _noted(request, number, CallForm(request.POST), services.note_call)


@needs("quarantine.desk")
@require_POST
def note_visit(request: HttpRequest, number: int) -> HttpResponse:
    """Note what came of a visit."""
    return _noted(request, number, VisitForm(request.POST), services.note_visit)


def _noted(request: HttpRequest, number: int, form: Any, note: Callable[..., Any]) -> HttpResponse:
    def run(one: Alarm) -> None:
        if not form.is_valid():
            raise OrderError("result", gettext_noop("choose what came of it"))
        note(one.id, **form.cleaned_data, by=request.user, at=clock.now())

    return _do(request, number, run, _("Noted; the person can read it."))


@needs("quarantine.desk")
@require_POST
def close(request: HttpRequest, number: int) -> HttpResponse:
    """Close an alarm with what it was."""
    form = CloseForm(request.POST)

    def run(one: Alarm) -> None:
        if not form.is_valid():
            raise OrderError("outcome", gettext_noop("choose what it was"))
        services.close_alarm(one.id, **form.cleaned_data, by=request.user, at=clock.now())

    return _do(request, number, run, _("Closed; the person can read it."))


@needs("quarantine.decide")
@require_POST
def refer(request: HttpRequest, number: int) -> HttpResponse:
    """Decide that an alarm goes to those who decide on consequences."""
    form = ReasonForm(request.POST)

    def run(one: Alarm) -> None:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        services.refer_alarm(one.id, reason=reason, by=request.user, at=clock.now())

    return _do(request, number, run, _("Referred; the person is told and can appeal."))


@needs("quarantine.desk")
@require_http_methods(["GET", "HEAD", "POST"])
def shift(request: HttpRequest) -> HttpResponse:
    """Hand the shift over: a note, what is open, and everything that was mine is free again."""
    form, at = ShiftForm(request.POST if request.method == "POST" else None), clock.now()
    read = request.POST.get("read", "")
    if read.isascii() and read.isdigit():
        services.read_shift_note(int(read[:18]), by=request.user, at=at)
        return redirect("quarantine:shift")
    if request.method == "POST" and form.is_valid():
        services.hand_over(form.cleaned_data["text"], by=request.user, at=at)
        messages.success(request, _("Handed over. What was yours is free for the next shift."))
        return redirect("quarantine:shift")
    notes = [_note(one) for one in queries.shift_notes()[:20]]
    context = {"form": form, "notes": notes, "due": queries.count_due(at), "me": request.user.get_username()}
    context["open"] = [(Alarm.Kind(kind).label, count) for kind, count in queries.count_open().items()]
    return render(request, "quarantine/shift.html", context, status=422 if form.errors else 200)


@needs("quarantine.desk")
@require_GET
def false_alarms(request: HttpRequest) -> HttpResponse:
    """How often the fence was wrong: for each person and day, by cause, by day."""
    at = clock.now()
    since, until = queries.last_days(at, 28)
    days = queries.alarms_by_day(since, until)
    names = (("false", _("for nothing")), ("true", _("with a reason")), ("open", _("still open")))
    series = [{"name": title, "values": [one[name] for one in days]} for name, title in names]
    context = {
        "since": since,
        "until": until,
        "person_days": queries.person_days(since, until, at),
        "counts": queries.alarm_counts(since, until, at),
        "outcomes": queries.outcomes(since, until),
        "errands": queries.errand_counts(since, until),
        "has_any": any(one["false"] or one["true"] or one["open"] for one in days),
        "chart": {"kind": "bar", "x": [one["day"].isoformat() for one in days], "series": series},
    }
    return render(request, "quarantine/false_alarms.html", context)
