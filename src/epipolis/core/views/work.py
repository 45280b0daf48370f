"""Long work that people started: how far it is, and what came of it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from epipolis.core import work
from epipolis.core.access import signed_in
from epipolis.core.models import TaskRun


@signed_in
@require_GET
def my_work(request: HttpRequest) -> HttpResponse:
    """This person's tasks, newest first."""
    return render(request, "core/work.html", {"runs": work.runs_of(request.user)[:50], "importers": []})


@signed_in
@require_GET
def one_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """One task with its result."""
    return render(request, "core/run.html", {"run": own_run(request, run)})


def own_run(request: HttpRequest, run: UUID) -> TaskRun:
    """A task of this person's own; another's is not found."""
    found = work.runs_of(request.user).filter(id=run).first()
    if found is None:
        raise Http404
    return found
