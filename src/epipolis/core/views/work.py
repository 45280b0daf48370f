"""Long work that people started: how far it is, and what came of it."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from epipolis.core import uploads, work
from epipolis.core.access import signed_in
from epipolis.core.exports import FORMATS, download
from epipolis.core.models import TaskRun, User
from epipolis.core.modules import modules

_A_PAGE = 50
_PROBLEM = ("row", "field", "rule", "value")


@signed_in
@require_GET
def my_work(request: HttpRequest) -> HttpResponse:
    """This person's tasks, newest first, and the tables that they may bring in or take out."""
    user = _user(request)
    page = Paginator(work.runs_of(user), _A_PAGE).get_page(request.GET.get("page"))
    if request.headers.get("HX-Request"):
        return render(request, "core/parts/runs.html", {"runs": page})
    offered: dict[str, Any] = {
        "importers": [e for m in modules().values() for e in m.importers if user.has_perm(e.needs)],
        "exporters": [e for m in modules().values() for e in m.exporters if user.has_perm(e.needs)],
    }
    return render(request, "core/work.html", {"runs": page, **offered})


@signed_in
@require_GET
def one_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """One task with its result; for an import, its report with the rows that were refused."""
    from epipolis.core.views.tables import columns_for  # noqa: PLC0415 -- that file's pages look for runs here

    found = own_run(request, run)
    shown: dict[str, Any] = {"run": found, "is_open": _is_open(found)}
    if found.task == uploads.IMPORT.name:
        importer = uploads.importer_named(found.arguments.get("importer", ""))
        problems = _problems(found, request)
        shown |= {
            "importer": importer,
            "problems": Paginator(problems, _A_PAGE).get_page(request.GET.get("page")),
            "found": len(problems),
            "rules": sorted({p["rule"] for p in _all_problems(found)}),
            "rule": request.GET.get("rule", ""),
            "text": request.GET.get("q", ""),
            "columns": columns_for(found) if found.arguments.get("dry_run") and found.result else [],
            "fields": importer.fields if importer else {},
        }
        return render(request, "core/import_report.html", shown)
    shown["pairs"] = list(found.result.items()) if isinstance(found.result, dict) else []
    return render(request, "core/run.html", shown)


@signed_in
@require_GET
def progress(request: HttpRequest, run: UUID) -> HttpResponse:
    """How far a task is; tells the page to load again when it has ended."""
    found = own_run(request, run)
    response = render(request, "core/parts/progress.html", {"run": found, "is_open": _is_open(found)})
    if not _is_open(found):
        response["HX-Refresh"] = "true"
    return response


@signed_in
@require_GET
def problems(request: HttpRequest, run: UUID, kind: str) -> HttpResponseBase:
    """The rows that an import refused or wondered about, as a file."""
    found = own_run(request, run)
    if kind not in FORMATS or found.task != uploads.IMPORT.name:
        raise Http404
    return download(f"report-{found.asked:%Y-%m-%d}", kind, _PROBLEM, _problems(found, request))


def own_run(request: HttpRequest, run: UUID) -> TaskRun:
    """A task of this person's own; another's is not found."""
    found = work.runs_of(_user(request)).filter(id=run).first()
    if found is None:
        raise Http404
    return found


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _is_open(run: TaskRun) -> bool:
    return run.state in (TaskRun.State.WAITING, TaskRun.State.RUNNING)


def _all_problems(run: TaskRun) -> list[dict[str, Any]]:
    return list((run.result or {}).get("problems", []))


def _problems(run: TaskRun, request: HttpRequest) -> list[dict[str, Any]]:
    rule, text = request.GET.get("rule", ""), request.GET.get("q", "").strip().casefold()
    return [
        problem
        for problem in _all_problems(run)
        if (not rule or problem["rule"] == rule)
        and (not text or any(text in str(problem.get(part, "")).casefold() for part in _PROBLEM))
    ]
