"""The interview: where a person was, told by the person, with their consent."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.forms import LinkForm, StopForm
from epipolis.sense.checkins.models import Source
from epipolis.sense.city import queries as city
from epipolis.sense.city import services as city_services
from epipolis.sense.people import queries as people

_SHOWN = 500


@needs("checkins.tell")
@require_http_methods(["GET", "HEAD", "POST"])
def route(request: HttpRequest, person: UUID) -> HttpResponse:
    """A person's route as known, and the form for another stop."""
    form = StopForm(request.POST or None)
    if people.person(person) is None:
        raise Http404
    if request.method == "POST" and form.is_valid():
        told = services.tell_route(person, [_stop(form.cleaned_data, request)], by=request.user, at=clock.now())
        if told.rejected:
            form.add_error(None, told.rejected[0][2])
        else:
            text = _("The stop is kept.") if told.stored else _("This stop was known already.")
            messages.success(request, text)
            return redirect("checkins:route", person)
    return render(request, "checkins/route.html", _facts(request, person, form), status=422 if form.errors else 200)


def _facts(request: HttpRequest, person: UUID, form: StopForm) -> dict[str, Any]:
    at = clock.now()
    rules = queries.times(at)
    since = at - timedelta(days=rules["keep_route_days"])
    stays = queries.visits_of(queries.visitors_of(person), since=since, until=at + timedelta(days=2))[-_SHOWN:]
    places = city.places_by_id({stay.place_id for stay in stays})
    name = people.named([person], by=request.user, at=at, why="visits").get(person)
    return {
        "person": person,
        "name": name,
        "stays": [(stay, places.get(stay.place_id), Source(stay.source).label) for stay in reversed(stays)],
        "links": queries.links_of(person),
        "form": form,
        "link_form": LinkForm(),
        "told": Source.INTERVIEW,
        "first_day": clock.local_day(at - timedelta(days=rules["route_days_back"])),
        "today": clock.local_day(at),
    }


def _stop(said: dict[str, Any], request: HttpRequest) -> services.Stop:
    place = said["known"] or _new_place(said, request)
    if not said.get("arrived"):
        return services.Stop(place.id, day=said["day"], companions=said.get("companions") or 0)
    arrived = datetime.combine(said["day"], said["arrived"], clock.zone())
    left = datetime.combine(said["day"], said["left"], clock.zone())
    if left <= arrived:  # past midnight
        left += timedelta(days=1)
    return services.Stop(place.id, arrived, left, companions=said.get("companions") or 0)


def _new_place(said: dict[str, Any], request: HttpRequest) -> Any:
    name, kind = said["new_name"].strip(), said.get("new_kind", "").strip() or "place"
    digest = sha256(f"{name}|{kind}|{said.get('new_address', '')}".encode()).hexdigest()[:16]
    return city_services.add_place(
        f"told-{digest}", name, kind, address=said.get("new_address", ""), by=request.user, at=clock.now()
    )


@needs("checkins.tell")
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """Places whose name or code fits what was typed, as options for the field."""
    text = request.GET.get("place", "").replace("\0", "").strip()[:100]
    found = city.matching_places(text)[:20] if len(text) >= 2 else []
    return render(request, "checkins/place_options.html", {"places": found})


@needs("checkins.tell")
@require_POST
def forget(request: HttpRequest, person: UUID) -> HttpResponse:
    """Take back a told stop."""
    try:
        place, arrived = int(request.POST["place"][:18]), datetime.fromisoformat(request.POST["arrived"])
    except (KeyError, ValueError):
        raise Http404 from None
    if arrived.tzinfo is None or not services.forget_stop(person, place, arrived, by=request.user, at=clock.now()):
        raise Http404
    messages.success(request, _("The stop is taken back."))
    return redirect("checkins:route", person)


@needs("checkins.tell")
@require_POST
def link(request: HttpRequest, person: UUID) -> HttpResponse:
    """Connect the check-ins of a phone with the person who showed its code."""
    form = LinkForm(request.POST)
    if people.person(person) is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("This is not a phone's code; read it again."))
        return redirect("checkins:route", person)
    try:
        services.link_visitor(form.cleaned_data["visitor"], person, by=request.user, at=clock.now())
        messages.success(request, _("The phone's check-ins are now part of this route."))
    except ValueError:
        messages.error(request, _("This phone is already linked to somebody else."))
    return redirect("checkins:route", person)


@needs("checkins.tell")
@require_POST
def unlink(request: HttpRequest, person: UUID, visitor: UUID) -> HttpResponse:
    """Take a wrong link back."""
    if visitor not in queries.visitors_of(person)[1:]:
        raise Http404
    services.unlink_visitor(visitor, by=request.user, at=clock.now())
    messages.success(request, _("The link is taken back."))
    return redirect("checkins:route", person)
