"""Many drafts issued together: they are chosen on the list, looked at once more, and issued while the officer watches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import TogetherForm
from epipolis.act.quarantine.services import OrderError, Shared
from epipolis.core import clock, work
from epipolis.core.access import needs
from epipolis.core.models import TaskRun

from .shown import shown


@needs("quarantine.issue")
@require_http_methods(["GET", "HEAD", "POST"])
def together(request: HttpRequest) -> HttpResponse:
    """The chosen drafts in one table, and what is the same for all of them."""
    at = clock.now()
    if request.method != "POST":
        return _page(request, TogetherForm(initial=_grounds(at)), _chosen(request.GET), at)
    form, chosen = TogetherForm(request.POST), _chosen(request.POST)
    if not form.is_valid():
        return _page(request, form, chosen, at, status=422)
    told = form.cleaned_data
    shared = Shared(told["how"], told["told_at"].isoformat(), told["legal_basis"], told["purpose"])
    try:
        run = services.start_issuing(chosen, shared, by=request.user, at=at)
    except OrderError as error:
        form.add_error(None, _(error.rule))
        return _page(request, form, chosen, at, status=422)
    return redirect("quarantine:together_run", run.id)


@needs("quarantine.issue")
@require_safe
def together_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """How far the officer's own run is; then how many are issued, and which are not and why."""
    found = work.runs_of(request.user).filter(id=run, task=services.TOGETHER).first()
    if found is None:
        raise Http404
    result = found.result if found.state == TaskRun.State.DONE else {}
    rules = {one["order"]: _(one["rule"]) for one in result.get("refused", [])}
    rows = queries.orders_by_id(rules)
    context = {
        "run": found,
        "is_open": found.state in (TaskRun.State.WAITING, TaskRun.State.RUNNING),
        "issued": result.get("issued", 0),
        "refused": [item | {"rule": rules[item["row"].id]} for item in shown(request, rows.values(), clock.now())],
    }
    return render(request, "quarantine/together_run.html", context)


def _page(request: HttpRequest, form: TogetherForm, chosen: list[int], at: datetime, *, status: int = 200) -> HttpResponse:
    found = queries.orders_by_id(chosen[: services.MOST_TOGETHER])
    rows = [found[number] for number in chosen if number in found]
    drafts = [row for row in rows if row.state == "draft"]
    context: dict[str, Any] = {
        "form": form,
        "rows": shown(request, drafts, at),
        "gone": len(chosen[: services.MOST_TOGETHER]) - len(drafts),
        "left_out": max(0, len(chosen) - services.MOST_TOGETHER),
        "most": services.MOST_TOGETHER,
    }
    return render(request, "quarantine/together.html", context, status=status)


def _chosen(given: QueryDict) -> list[int]:
    """The numbers that were ticked, each once, in their order; what is no number was ticked by nobody."""
    told = (text for text in given.getlist("orders") if text.isascii() and text.isdigit() and len(text) < 19)
    return list(dict.fromkeys(int(text) for text in told))


def _grounds(at: datetime) -> dict[str, str]:
    local = at.astimezone(clock.zone()).strftime("%Y-%m-%dT%H:%M")
    return {"told_at": local, **queries.default_grounds(clock.local_day(at))}
