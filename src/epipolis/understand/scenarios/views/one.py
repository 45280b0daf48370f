"""One scenario: what it says, its runs and results, and what can be done with it."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.understand.scenarios import queries, services
from epipolis.understand.scenarios.models import Run, Scenario, Version


@needs("scenarios.view")
@require_safe
def scenario(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """One version of a scenario with its result; the newest unless another is asked for."""
    found = _scenario(request, scenario_id)
    versions = queries.versions(found)
    asked = request.GET.get("version", "")
    version = next((one for one in versions if str(one.number) == asked), versions[0])
    last, done = queries.newest_run(version), queries.finished_run(version)
    shown = queries.Shown(found.name, version, done) if done else None
    context = {
        "scenario": found, "version": version, "versions": versions, "is_newest": version == versions[0],
        "facts": queries.content_words(version.content), "measures": queries.measure_lines(version.content),
        "may_change": queries.may_change(found, request.user) and request.user.has_perm("scenarios.run"),
        "last": last, "done": done, "is_open": last is not None and last.state in queries.OPEN,
    }  # fmt: skip
    if shown:
        context["differs"] = queries.differs_from_before(shown.run)
        context |= queries.result_of([shown]) | {"assumptions": queries.assumptions(shown)}
    return render(request, "scenarios/scenario.html", context)


@needs("scenarios.view")
@require_safe
def progress(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """How far a run is; tells the page to load again when it has ended."""
    found = _run(request, run_id)
    is_open = found.state in queries.OPEN
    response = render(request, "scenarios/parts/progress.html", {"run": found, "is_open": is_open})
    if not is_open:
        response["HX-Refresh"] = "true"
    return response


@needs("scenarios.view")
@require_safe
def as_file(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """The newest version as one YAML file."""
    found = _scenario(request, scenario_id)
    version = queries.version(found)
    text = queries.to_yaml(found.name, found.description, version.content)
    audit.record("scenarios.export", by=request.user, at=clock.now(), subject=found.id, version=version.number)
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="scenario-{found.made:%Y-%m-%d}-v{version.number}.yaml"'
    return response


@needs("scenarios.run")
@require_POST
def run(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """Compute the newest version, or the one that is named."""
    found = _scenario(request, scenario_id)
    number = request.POST.get("version", "")
    try:
        version = queries.version(found, int(number[:9]) if number.isdecimal() else None)
    except Version.DoesNotExist as error:
        raise Http404 from error
    services.start_run(version, by=request.user, at=clock.now())
    return redirect("scenarios:scenario", scenario_id=scenario_id)


@needs("scenarios.run")
@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Stop a run."""
    found = _run(request, run_id)
    services.cancel_run(found.id, by=request.user, at=clock.now())
    messages.info(request, _("The run is being stopped. Nothing of it is kept."))
    return redirect("scenarios:scenario", scenario_id=found.version.scenario_id)


@needs("scenarios.run")
@require_POST
def share(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """Let other staff open it, or take that back."""
    found = _own(request, scenario_id)
    shared = "undo" not in request.POST
    services.share_scenario(found.id, shared=shared, by=request.user, at=clock.now())
    text = _("Everybody who may see scenarios can open this page by its address.") if shared else _("Only you can open it now.")
    messages.success(request, text)
    return redirect("scenarios:scenario", scenario_id=scenario_id)


@needs("scenarios.run")
@require_POST
def archive(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """Put it away, or take it out again."""
    found = _own(request, scenario_id)
    archived = "undo" not in request.POST
    services.archive_scenario(found.id, archived=archived, by=request.user, at=clock.now())
    return redirect("scenarios:scenario", scenario_id=scenario_id)


@needs("scenarios.run")
@require_POST
def copy(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """A scenario of one's own from this one."""
    found = _scenario(request, scenario_id)
    made = services.copy_scenario(found.id, by=request.user, at=clock.now())
    return redirect("scenarios:edit", scenario_id=made.id)


@needs("scenarios.run")
@require_POST
def restore(request: HttpRequest, scenario_id: UUID, number: int) -> HttpResponse:
    """Make an earlier version the newest again."""
    found = _own(request, scenario_id)
    if number >= 2**31:
        raise Http404
    try:
        services.restore_version(found.id, number, by=request.user, at=clock.now())
    except Version.DoesNotExist as error:
        raise Http404 from error
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("scenarios:scenario", scenario_id=scenario_id)


def _scenario(request: HttpRequest, scenario_id: UUID) -> Scenario:
    found = queries.scenario(scenario_id, user=request.user)
    if found is None:
        raise Http404
    return found


def _own(request: HttpRequest, scenario_id: UUID) -> Scenario:
    found = _scenario(request, scenario_id)
    if not queries.may_change(found, request.user):
        raise PermissionDenied("scenarios.manage")
    return found


def _run(request: HttpRequest, run_id: UUID) -> Run:
    found = queries.run(run_id, user=request.user)
    if found is None:
        raise Http404
    return found
