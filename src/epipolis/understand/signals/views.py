"""Pages of the signals: what stands out, why, what people made of it, where the hot spots are, and how often it was wrong."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import clock, rules
from epipolis.core.access import needs
from epipolis.core.modules import Layer

from . import queries, services
from .forms import JudgeForm, PastForm, SignalFilter
from .models import Judgement, Signal

_PAGE = 25
_LOOKS = 10
_BEFORE = 7  # days of cases that the link to the line list shows


@needs("signals.view")
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What stands out, the newest first."""
    form = SignalFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    narrow = queries.Narrow(**{name: asked.get(name, "") for name in ("state", "series", "area", "method")})
    page = Paginator(queries.signals(narrow), _PAGE).get_page(request.GET.get("page"))
    look = queries.newest_look()
    context = {
        "page": page, "rows": queries.rows_of(list(page.object_list)), "narrow": narrow, "form": form,
        "choices": queries.choices(), "counts": queries.counts(), "look": look, "open_run": queries.open_run(),
        "problems": [queries.told(one) for one in look.problems] if look else [],
        "is_filtered": any((narrow.state, narrow.series, narrow.area, narrow.method)),
        "done": _done(request),
    }  # fmt: skip
    return render(request, "signals/inbox.html", context)


@needs("signals.view")
@require_safe
def one_signal(request: HttpRequest, signal_id: UUID) -> HttpResponse:
    """One signal: the picture, the reason, what to do, and what people made of it."""
    found = _signal(signal_id)
    return render(request, "signals/signal.html", _signal_page(request, found))


@needs("signals.judge")
@require_POST
def judge(request: HttpRequest, signal_id: UUID) -> HttpResponse:
    """Say what a signal was."""
    found, form = _signal(signal_id), JudgeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The state or the reason is not valid."))
        return redirect("signals:signal", signal_id)
    asked = form.cleaned_data
    back = asked.pop("back")
    try:
        made = services.judge_signal(found.id, **asked, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
        page = _signal_page(request, found) | {"typed": asked["reason"], "chosen": asked["state"]}
        return render(request, "signals/signal.html", page, status=422)
    address = reverse("signals:inbox") if back == "list" else reverse("signals:signal", args=[signal_id])
    return redirect(f"{address}?done={made.id}" if made else address)


@needs("signals.judge")
@require_POST
def undo(request: HttpRequest, judgement_id: int) -> HttpResponse:
    """Take the last step back."""
    wanted = queries.judgement_by_id(judgement_id)
    if wanted is None:
        raise Http404
    try:
        services.undo_judgement(wanted.id, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Taken back."))
    return redirect("signals:signal", wanted.signal_id)


@needs("signals.view")
@require_safe
def hot_spots(request: HttpRequest) -> HttpResponse:
    """Where and when there is more than chance gives."""
    layer = Layer(
        "hot-spots",
        _("Cases in hot spots, times what was expected"),
        "signals:spot_layer",
        needs="signals.view",
        colour_by="excess",
    )
    page = Paginator(queries.hot_spots(), _PAGE).get_page(request.GET.get("page"))
    look = queries.newest_look()
    context = {
        "page": page, "rows": queries.spot_rows(list(page.object_list)), "layers": [layer], "look": look,
        "skipped": queries.without_place(look), "rule": queries.wanted_on(clock.today(), queries.uploaded_counts()).spots,
        "open_run": queries.open_run(), "has_now": queries.hot_spots(only_now=True).exists(),
    }  # fmt: skip
    return render(request, "signals/hot_spots.html", context)


@needs("signals.view")
@require_safe
def spot_layer(request: HttpRequest) -> JsonResponse:
    """Districts with the hot spots of now, for any map."""
    return JsonResponse(queries.spots_geojson())


@needs("signals.view")
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    """False alarms stated against those found, what is watched by which rule, and every look."""
    today = clock.today()
    wanted = queries.wanted_on(today, queries.uploaded_counts())
    rows = queries.record()
    page = Paginator(queries.looks(), _LOOKS).get_page(request.GET.get("page"))
    context = {
        "rows": rows, "all": queries.in_all(rows), "wanted": wanted,
        "watches": [(one, queries.series_title(one.series)) for one in wanted.watches],
        "spots_title": queries.series_title(wanted.spots.series) if wanted.spots else "",
        "levels": [queries.number(one) for one in wanted.levels.levels] if wanted.levels else [],
        "problems": [queries.told(one) for one in wanted.problems],
        "versions": [one for name in (queries.WATCHES, queries.LEVELS) for one in rules.versions(name)],
        "page": page, "looks": [(one, [queries.told(told) for told in one.problems]) for one in page.object_list],
        "past": PastForm.usual(today), "open_run": queries.open_run(),
    }  # fmt: skip
    return render(request, "signals/record.html", context)


@needs("signals.run")
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Look at what is known now."""
    services.start_look(by=request.user, at=clock.now())
    messages.success(request, _("The look has begun. What it finds appears here by itself."))
    return redirect("signals:inbox")


@needs("signals.run")
@require_POST
def past(request: HttpRequest) -> HttpResponse:
    """Look at past days as they were known then."""
    form = PastForm(request.POST)
    if not form.is_valid():
        told = (f"{form[name].label}: {sentence}" for name, errors in form.errors.items() for sentence in errors)
        messages.error(request, " ".join(told))
        return redirect("signals:record")
    try:
        services.start_looks(**form.cleaned_data, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The look back has begun. Its signals appear one day after the other."))
    return redirect("signals:record")


def _signal_page(request: HttpRequest, found: Signal) -> dict[str, Any]:
    (row,) = queries.rows_of([found])
    newest = queries.newest_look()
    names = queries.area_names()
    chart = queries.signal_chart(found, newest)
    return row | {
        "chart": chart,
        "why": queries.why(found, row["area"], names),
        "how_often": queries.how_often(found),
        "spot_areas": [(code, names.get(code, code)) for code in found.hot_spot.areas] if queries.is_spot(found) else [],
        "rarity": queries.rarity(found.hot_spot.recurrence_days) if queries.is_spot(found) else "",
        "judgements": queries.judgements_of(found),
        "revisions": queries.revisions_of(found),
        "others": queries.open_with(found).count(),
        "near": queries.near(found),
        "district": queries.district_id(found.area),
        "look_from": found.hot_spot.first_day if queries.is_spot(found) else found.day - timedelta(days=_BEFORE),
        "states": Signal.State.choices,
        "done": _done(request, found),
    }


def _done(request: HttpRequest, found: Signal | None = None) -> Judgement | None:
    """The step that was just taken, to offer taking it back."""
    text = request.GET.get("done", "")
    made = queries.judgement_by_id(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    if made is None or (found is not None and made.signal_id != found.id) or made.undoes_id:
        return None
    return made if queries.is_newest(made) else None


def _signal(signal_id: UUID) -> Signal:
    found = queries.signal_by_id(signal_id)
    if found is None:
        raise Http404
    return found
