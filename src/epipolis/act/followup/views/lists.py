"""Whom to call: the list, on paper, as a file, and those whom nobody can call."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from epipolis.act.followup import queries
from epipolis.act.followup.forms import ListFilter
from epipolis.core import audit, clock, exports
from epipolis.core.access import needs

from .shown import pseudonym, shown

_PAGE = 25
_LAST_PAGE = 400


@needs("followup.view")
@require_GET
def work_list(request: HttpRequest) -> HttpResponse:
    """Whom to call next, and why."""
    at = clock.now()
    form, wanted, who = _asked(request)
    page = _page_number(request)
    found = queries.work_list(at, wanted, limit=_PAGE, offset=(page - 1) * _PAGE)
    context = {
        "form": form,
        "who": who,
        "rows": shown(request, found.rows),
        "lanes": [(lane, queries.LANE_NAMES[lane](), count) for lane, count in found.counts.items()],
        "many": queries.COUNTED,
        "page": page,
        "has_more": found.has_more and page < _LAST_PAGE,
        "is_filtered": bool(wanted.lane or wanted.risk or wanted.district),
        "unknown": queries.count_unknown(),
        "handovers": _waiting(request, at),
    }
    return render(request, "followup/work_list.html", context)


def _waiting(request: HttpRequest, at: Any) -> int:
    team = queries.team_of(request.user.pk)
    found = queries.handovers(request.user, team=team.id if team else None, since=at)  # type: ignore[arg-type]  # -- signed in
    return found.filter(accepted=None).exclude(giver=request.user).count()


@needs("followup.work")
@require_GET
def print_list(request: HttpRequest) -> HttpResponse:
    """The list on paper, for a day without electricity; the names on it are read and written down."""
    at = clock.now()
    _form, wanted, who = _asked(request)
    audit.record("followup.print", by=request.user, at=at)
    rows = shown(request, queries.printed(at, wanted))
    return render(request, "followup/print.html", {"rows": rows, "who": who, "at": at})


@needs("followup.view")
@require_GET
def unknown(request: HttpRequest) -> HttpResponse:
    """Visitors who met a case and of whom nobody knows who they are."""
    page = Paginator(queries.unknown_visitors(), _PAGE).get_page(request.GET.get("page"))
    exposures = queries.leading_exposures([row.id for row in page])
    rows = [{"row": row, "pseudonym": pseudonym(row), "exposure": exposures.get(row.id)} for row in page]
    return render(request, "followup/unknown.html", {"page": page, "rows": rows})


@needs("followup.export")
@require_GET
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every follow-up as a file, without names."""
    if kind not in exports.FORMATS:
        raise Http404
    at = clock.now()
    audit.record("export", by=request.user, at=at, subject="follow_ups")
    return exports.download("follow-ups", kind, queries.EXPORTED, queries.export_rows(at))


def _asked(request: HttpRequest) -> tuple[ListFilter, queries.Wanted, str]:
    """What was asked for; without a word a tracer sees their own list, and everybody else sees all."""
    team = queries.team_of(request.user.pk)
    form = ListFilter(request.GET or None)
    chosen: dict[str, Any] = form.cleaned_data if form.is_bound and form.is_valid() else {}
    who = chosen.get("who") or ("mine" if team else "all")
    wanted = queries.Wanted(
        mine=request.user.pk if who == "mine" else None,
        team=(team.id if team else 0) if who == "team" else None,
        unassigned=who == "nobody",
        lane=chosen.get("lane", ""),
        risk=chosen.get("risk", ""),
        district=chosen.get("district"),
    )
    return form, wanted, who


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), _LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 else 1
