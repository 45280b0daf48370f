"""Pages of the city: its areas with their figures, its neighbourhoods, its places."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from epipolis.core.access import needs

from . import queries
from .forms import AreaFilter, PlaceFilter

_ROWS = 50
_BAND, _OPEN_FROM = 5, 85  # years in one bar of the age pyramid; its last bar has no end
_MOST = 2**63 - 1


@needs("city.view")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Every district with its people, area and density, and the map."""
    rows = list(queries.with_people(queries.districts().defer("border")))
    return render(request, "city/overview.html", {"districts": rows, "counts": queries.counts(), "layers": queries.LAYERS})


@needs("city.view")
@require_safe
def district(request: HttpRequest, district: int) -> HttpResponse:
    """One district: who lives there by age, and its neighbourhoods."""
    found = queries.with_people(queries.districts().defer("border")).filter(id=_id(district)).first()
    if found is None:
        raise Http404
    areas = queries.with_people_here(queries.matching_neighbourhoods(district=found.id))
    chart = age_chart(queries.pyramid(district=found.id))
    return render(request, "city/district.html", {"district": found, "neighbourhoods": areas, "chart": chart})


@needs("city.view")
@require_safe
def neighbourhoods(request: HttpRequest) -> HttpResponse:
    """Neighbourhoods by name, code or district."""
    form = AreaFilter(request.GET or None)
    wanted = _wanted(form)
    areas = queries.with_people_here(queries.matching_neighbourhoods(wanted.get("q", ""), _key(wanted.get("district"))))
    page = Paginator(areas if _is_usable(form) else areas.none(), _ROWS).get_page(request.GET.get("page"))
    return render(request, "city/neighbourhoods.html", {"form": form, "page": page})


@needs("city.view")
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """Places by name, address, code, kind or district."""
    form = PlaceFilter(request.GET or None)
    wanted = _wanted(form)
    found = queries.matching_places(wanted.get("q", ""), wanted.get("kind", ""), _key(wanted.get("district")))
    page = Paginator(found if _is_usable(form) else found.none(), _ROWS).get_page(request.GET.get("page"))
    return render(request, "city/places.html", {"form": form, "page": page})


@needs("city.view")
@require_safe
def place(request: HttpRequest, place: int) -> HttpResponse:
    """One place: what it is and where it lies."""
    found = queries.places_by_id([_id(place)]).get(place)
    if found is None:
        raise Http404
    return render(request, "city/place.html", {"place": found})


def age_chart(counts: list[tuple[str, int, int | None, int]]) -> dict[str, Any] | None:
    """The age pyramid: counted bands as they are, single years in bars of five."""
    if not counts:
        return None
    is_fine = all(age_to == age_from for _sex, age_from, age_to, _people in counts if age_to is not None)
    bars: dict[tuple[int, int | None], dict[str, int]] = {}
    for sex, age_from, age_to, people in counts:
        bar = bars.setdefault(_five_years(age_from) if is_fine else (age_from, age_to), {})
        bar[sex] = bar.get(sex, 0) + people
    titles = {"F": _("Female"), "M": _("Male"), "X": _("Other"), "": _("All")}
    sexes = [sex for sex in titles if any(sex in bar for bar in bars.values())]
    bands = sorted(bars, key=lambda band: band[0])
    return {
        "kind": "pyramid" if sexes == ["F", "M"] else "bar",
        "x": [f"{low}+" if high is None else f"{low}–{high}" for low, high in bands],
        "series": [{"name": titles[sex], "values": [bars[band].get(sex, 0) for band in bands]} for sex in sexes],
        "x_title": _("Age"),
        "y_title": _("People"),
    }


def _five_years(age: int) -> tuple[int, int | None]:
    low = min(age, _OPEN_FROM) // _BAND * _BAND
    return low, None if low == _OPEN_FROM else low + _BAND - 1


def _is_usable(form: AreaFilter) -> bool:
    return not form.is_bound or form.is_valid()


def _wanted(form: AreaFilter) -> dict[str, Any]:
    return form.cleaned_data if form.is_bound and form.is_valid() else {}


def _key(area: Any) -> int | None:
    return area.id if area else None


def _id(number: int) -> int:
    if number > _MOST:
        raise Http404
    return number
