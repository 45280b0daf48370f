"""Pages of the chains: the clusters of the city, one cluster as a tree, and one case with those that may have infected it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from epipolis.core import clock, exports
from epipolis.core.access import needs
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case

from . import queries, services
from .forms import JudgeForm, PeriodForm
from .models import Judgement

_OPENED = 50


@needs("chains.view")
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Every cluster, and how this epidemic goes from one to the next."""
    form = PeriodForm(request.GET)
    days = form.cleaned_data["days"] if form.is_valid() else 0
    found = queries.figures_of(clock.now(), days=days)
    context = {
        "figures": found,
        "form": form,
        "days": days,
        "histogram": queries.histogram(found),
        "offspring": queries.offspring_chart(found),
        "open": queries.count_open(clock.now()),
    }
    return render(request, "chains/overview.html", context)


@needs("chains.view")
@require_GET
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """A case in its chain: who may have infected it, whom it infected, and the whole cluster as a tree."""
    return render(request, "chains/case.html", _case_page(request, _case(case_id)))


@needs("chains.judge")
@require_POST
def judge(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Decide whether a case was infected by another."""
    found, form = _case(case_id), JudgeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why, in at most 500 characters."))
        return redirect("chains:case", case_id)
    asked = form.cleaned_data
    infector = asked["infector"] or _numbered(found, asked["number"])
    if infector is None:
        messages.error(request, _("There is no case with the number %(number)s.") % {"number": asked["number"]})
        return redirect("chains:case", case_id)
    try:
        services.judge_link(
            case_id, infector, is_source=asked["is_source"], reason=asked["reason"], by=request.user, at=clock.now()
        )
    except services.JudgementError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Decided. It can be taken back below."))
    return redirect("chains:case", case_id)


@needs("chains.judge")
@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take a decision back."""
    try:
        made = services.undo_judgement(number, by=request.user, at=clock.now())
    except Judgement.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, _("Taken back."))
    return redirect("chains:case", made.infectee_id)


@needs("chains.view")
@require_GET
def picture(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """The tree as a drawing for a report."""
    context = {"drawn": _drawn(request, _case(case_id)), "alone": True, "opened": []}
    response = HttpResponse(render_to_string("chains/parts/tree.html", context), content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="chain-{case_id}.svg"'
    return response


@needs("chains.export")
@require_GET
def export_links(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every link as a file."""
    if kind not in exports.FORMATS:
        raise Http404
    return exports.download("chains", kind, queries.COLUMNS, queries.export_rows(clock.now()))


def _case_page(request: HttpRequest, found: Case) -> dict[str, Any]:
    pack = queries.rule_on(clock.today())
    chain = cases.cases_by_id(queries.chain_of(found.id, holds_from=pack["holds_from"]))
    drawn = _drawn(request, found)
    return {
        "case": found,
        "links": queries.links_to(found.id),
        "judgements": queries.judgements_of(found.id),
        "chain": sorted(chain.values(), key=lambda one: list(chain).index(one.id)),
        "drawn": drawn,
        "opened": [str(one) for one in _opened(request)],
        "usual": pack["serial_interval"],
        "rule": pack.reference,
    }


def _drawn(request: HttpRequest, found: Case) -> queries.Drawn:
    pack = queries.rule_on(clock.today())
    known = queries.cluster_of(found.id, holds_from=pack["holds_from"])
    return queries.draw(known, holds_from=pack["holds_from"], opened=_opened(request))


def _opened(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.GET.getlist("open")[:_OPENED]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _case(case_id: UUID) -> Case:
    try:
        return cases.case(case_id)
    except Case.DoesNotExist as error:
        raise Http404 from error


def _numbered(found: Case, number: str) -> UUID | None:
    rows = dict(cases.line_list().filter(source_key=number.strip()).values_list("source", "id")[:20])
    # A number is unique within its source only; another source's counts where it is the only one.
    return rows.get(found.source) or (next(iter(rows.values())) if len(rows) == 1 else None)
