"""Staff pages about venues: which there are, who is there now, and their posters."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.forms import VenueForm
from epipolis.sense.checkins.models import Venue

_ROWS, _HOURS, _MOST = 50, 24, 2**63 - 1


@needs("checkins.view")
@require_safe
def venues(request: HttpRequest) -> HttpResponse:
    """Venues with how many people are there now and came today."""
    at = clock.now()
    text = request.GET.get("q", "").replace("\0", "")[:100]
    found = queries.venues().filter(place__name__icontains=text) if text else queries.venues()
    page = Paginator(found, _ROWS).get_page(request.GET.get("page"))
    ids = [venue.place_id for venue in page]
    counts = queries.here_now(at, ids), queries.arrivals(clock.start_of(clock.today()), at, ids)
    rows = [(venue, counts[0].get(venue.place_id, 0), counts[1].get(venue.place_id, 0)) for venue in page]
    facts = {"page": page, "rows": rows, "q": text, "here": queries.count_here(at)}
    return render(request, "checkins/venues.html", facts)


@needs("checkins.view")
@require_safe
def venue(request: HttpRequest, place: int) -> HttpResponse:
    """One venue: people by hour, its code and posters."""
    at, found = clock.now(), _venue(place)
    since = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)
    counts = queries.arrivals_by_hour(found.place_id, since, since + timedelta(hours=_HOURS))
    hours = [(since + timedelta(hours=n)).astimezone(clock.zone()) for n in range(_HOURS)]
    chart: dict[str, Any] = {
        "kind": "bar",
        "x": [f"{hour:%H}:00" for hour in hours],
        "series": [{"name": _("People arriving"), "values": counts}],
        "x_title": _("Hour"),
        "y_title": _("People"),
    }
    facts = {
        "venue": found,
        "here": queries.here_now(at, [found.place_id]).get(found.place_id, 0),
        "today": queries.arrivals(clock.start_of(clock.today()), at, [found.place_id]).get(found.place_id, 0),
        "chart": chart if any(counts) else None,
        "link": services.link_of(services.code_of(found)) if request.user.has_perm("checkins.manage") else "",
    }
    return render(request, "checkins/venue.html", facts)


@needs("checkins.manage")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Let people check in at a place."""
    form = VenueForm(request.POST or None, initial={"place": request.GET.get("place", "")})
    if request.method == "POST" and form.is_valid():
        facts = dict(form.cleaned_data)
        place = facts.pop("place")
        found, _changed = services.register_venue(place, facts.pop("kind"), by=request.user, at=clock.now(), **facts)
        messages.success(request, _("People can check in at %(name)s now. Print a poster for its door.") % {"name": place.name})
        return redirect("checkins:venue", found.place_id)
    return render(request, "checkins/register.html", {"form": form}, status=422 if form.errors else 200)


@needs("checkins.manage")
@require_safe
def poster(request: HttpRequest, place: int, size: str) -> HttpResponse:
    """The printable poster."""
    if size not in services.SIZES:
        raise Http404
    found = _venue(place)
    pdf = services.draw_poster(found, at=clock.now(), size=size)
    name = f"poster-{found.place_id}-{size}.pdf"
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


@needs("checkins.manage")
@require_POST
def change(request: HttpRequest, place: int, what: str) -> HttpResponse:
    """Close, open again, or make the present posters invalid."""
    found, at = _venue(place), clock.now()
    if what == "close":
        services.close_venue(found, by=request.user, at=at)
    elif what == "reopen":
        services.reopen_venue(found, by=request.user, at=at)
    elif what == "renew":
        try:
            services.renew_code(found, by=request.user, at=at, though_not_empty="anyway" in request.POST)
        except ValueError:
            messages.warning(
                request,
                _("Somebody is checked in here now. Renew the code when the venue is empty, or tick that it must be now."),
            )
            return redirect("checkins:venue", found.place_id)
        messages.success(request, _("The old posters no longer work. Print the new one."))
    else:
        raise Http404
    return redirect("checkins:venue", found.place_id)


def _venue(place: int) -> Venue:
    found = queries.venue(place) if place <= _MOST else None
    if found is None:
        raise Http404
    return found
