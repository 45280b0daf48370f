"""Pages of the forecasts: what comes, where, in which beds, how good the models are, and every round."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.core.exports import FORMATS, download
from epipolis.core.modules import Layer

from . import queries, services
from .forms import HubFilter, LimitForm, ModelsFilter, PastForm
from .models import Round

_PAGE = 30
_MODEL_DAYS = 84
TABLES = {"forecasts": queries.FORECAST_COLUMNS, "rt": queries.RT_COLUMNS}


@needs("forecast.view")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The newest round: what is likely, how certain, and how good such forecasts were."""
    found = queries.latest_round()
    if found is None:
        return render(request, "forecast/overview.html", _empty())
    return render(request, "forecast/overview.html", _overview(request, found, found))


@needs("forecast.view")
@require_safe
def one_round(request: HttpRequest, round_id: UUID) -> HttpResponse:
    """An earlier round as it was, over what was counted since."""
    found, newest = _round(round_id), queries.latest_round()
    if found.state != Round.State.DONE or found.team or newest is None:
        counts = queries.counts_of([found])
        context = {"round": found, "count": counts.get(found.id, 0), "is_open": found.state in queries.OPEN}
        return render(request, "forecast/unfinished.html", context)
    return render(request, "forecast/overview.html", _overview(request, found, newest) | {"is_earlier": found.id != newest.id})


@needs("forecast.view")
@require_safe
def risk_map(request: HttpRequest) -> HttpResponse:
    """Where the incidence limit is likely passed in the next two weeks."""
    found = queries.latest_round()
    if found is None:
        return render(request, "forecast/map.html", _empty())
    passes = queries.risks(found, _limit(request))
    address = reverse("forecast:areas") + (f"?limit={passes.limit:g}" if passes.limit else "")
    layer = Layer("risk", _("Probability in percent"), address, needs="forecast.view", colour_by="probability")
    context = {"round": found, "layers": [layer], "rows": queries.area_rows(found, passes), "passes": passes}
    return render(request, "forecast/map.html", context | {"limit": f"{passes.limit:g}" if passes.limit else ""})


@needs("forecast.view")
@require_safe
def risk_layer(request: HttpRequest) -> JsonResponse:
    """Districts with that probability, for any map."""
    return JsonResponse(queries.risk_geojson(queries.latest_round(), _limit(request)))


@needs("forecast.view")
@require_safe
def beds(request: HttpRequest) -> HttpResponse:
    """Occupancies, their limits, and when they are passed."""
    found = queries.latest_round()
    if found is None:
        return render(request, "forecast/beds.html", _empty())
    return render(request, "forecast/beds.html", queries.beds_page(found, request.GET.get("show", "")))


@needs("forecast.view")
@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """How good every model was, other teams' too."""
    found = queries.latest_round()
    form = ModelsFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    days = asked.get("days") or _MODEL_DAYS
    if found is None:
        return render(request, "forecast/models.html", _empty())
    looked = queries.looked_at(found, asked.get("target", ""))
    area = asked.get("area", "")
    area = area if any(code == area for code, _name in looked.areas) else ""
    context = {"looked": looked, "round": found, "area": area, "days": days, "spans": (28, 84, 365, 1_830)}
    return render(
        request, "forecast/models.html", context | queries.models_page(looked.target.name, area, clock.now(), days=days)
    )


@needs("forecast.view")
@require_safe
def rounds(request: HttpRequest) -> HttpResponse:
    """Every round and submission, and the series that were uploaded."""
    page = Paginator(queries.rounds(), _PAGE).get_page(request.GET.get("page"))
    counts = queries.counts_of(page.object_list)
    context = {
        "page": page, "rows": [(one, counts.get(one.id, 0)) for one in page.object_list],
        "series": queries.series_rows(), "past": PastForm.usual(clock.today()), "open": queries.open_round(),
    }  # fmt: skip
    return render(request, "forecast/rounds.html", context)


@needs("forecast.view")
@require_safe
def progress(request: HttpRequest, round_id: UUID) -> HttpResponse:
    """How far a round is; tells the page to load again when it has ended."""
    found = _round(round_id)
    is_open = found.state in queries.OPEN
    response = render(request, "forecast/parts/progress.html", {"round": found, "is_open": is_open})
    if not is_open:
        response["HX-Refresh"] = "true"
    return response


@needs("forecast.run")
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Make a round from what is known now."""
    found = services.start_round(by=request.user, at=clock.now())
    return redirect("forecast:round", round_id=found.id)


@needs("forecast.run")
@require_POST
def past(request: HttpRequest) -> HttpResponse:
    """Ask how we would have done."""
    form = PastForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(sentence for errors in form.errors.values() for sentence in errors))
        return redirect("forecast:rounds")
    asked = form.cleaned_data
    try:
        services.start_past(asked["since"], asked["until"], every=asked["every"], by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The forecasts of the past are being made. They appear here one after the other."))
    return redirect("forecast:rounds")


@needs("forecast.export")
@require_safe
def table(request: HttpRequest, round_id: UUID, table: str, kind: str) -> HttpResponseBase:
    """Forecasts or reproduction numbers of a round as a file."""
    found = _round(round_id)
    if table not in TABLES or kind not in FORMATS:
        raise Http404
    rows: Any = queries.forecast_rows(found) if table == "forecasts" else queries.rt_rows(found)
    audit.record("forecast.export", by=request.user, at=clock.now(), subject=found.id, kind=kind)
    return download(f"{table}-{found.made_on:%Y-%m-%d}", kind, TABLES[table], rows)


@needs("forecast.export")
@require_safe
def hub_file(request: HttpRequest, round_id: UUID) -> HttpResponseBase:
    """One model's forecasts in the format of the forecast hubs."""
    found = _round(round_id)
    asked = HubFilter(request.GET)
    wanted = asked.cleaned_data if asked.is_valid() else {}
    model = wanted.get("model") or found.team or queries.ENSEMBLE
    rows = queries.hub_rows(found, model, wanted.get("target", ""))
    if not rows:
        raise Http404
    audit.record("forecast.export", by=request.user, at=clock.now(), subject=found.id, kind="hub")
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in model)
    return download(f"{found.made_on:%Y-%m-%d}-{name}", "csv", queries.HUB_COLUMNS, rows)


def _overview(request: HttpRequest, found: Round, newest: Round) -> dict[str, Any]:
    looked = queries.looked_at(found, request.GET.get("target", ""), request.GET.get("area", ""))
    context = queries.overview(looked, newest=newest)
    is_old = (clock.now() - found.known_at).days >= 2 and found.id == newest.id
    passes = queries.risks(found)
    told = {"areas": queries.area_rows(found, passes), "passes": passes}
    return context | told | {"is_old": is_old, "open": queries.open_round()}


def _limit(request: HttpRequest) -> float | None:
    """Another incidence limit to look at, where a sensible one was typed."""
    form = LimitForm(request.GET)
    return form.cleaned_data.get("limit") if form.is_valid() else None


def _empty() -> dict[str, Any]:
    return {"round": None, "open": queries.open_round()}


def _round(round_id: UUID) -> Round:
    found = queries.round_by_id(round_id)
    if found is None:
        raise Http404
    return found
