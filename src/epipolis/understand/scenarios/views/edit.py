"""The form on which a scenario is made or changed."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.understand.scenarios import queries, services
from epipolis.understand.scenarios.forms import Editor


@needs("scenarios.run")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new scenario, from a ready one or from nothing."""
    ready = queries.BY_NAME.get(request.GET.get("template", ""))
    at = clock.now()
    disease, today = queries.usual_disease(), clock.local_day(at)
    content = (
        queries.ready_content(ready.name, disease=disease, start=today) if ready else queries.empty_content(disease, today)
    )
    name, text = (str(ready.title), str(ready.text)) if ready else ("", "")
    editor = Editor(name, text, content, request.POST if request.method == "POST" else None)
    made = _typed(request, editor)
    if made is not None:
        scenario = services.make_scenario(*made, by=request.user, at=at)
        if "run" in request.POST:
            services.start_run(queries.version(scenario), by=request.user, at=at)
        return redirect("scenarios:scenario", scenario_id=scenario.id)
    return _page(request, editor, {"title": _("New scenario"), "chosen": ready, "ready": queries.READY})


@needs("scenarios.run")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, scenario_id: UUID) -> HttpResponse:
    """Change a scenario; what was run stays as it was."""
    scenario = queries.scenario(scenario_id, user=request.user)
    if scenario is None:
        raise Http404
    if not queries.may_change(scenario, request.user):
        raise PermissionDenied("scenarios.manage")
    newest = queries.version(scenario)
    data = request.POST if request.method == "POST" else None
    editor = Editor(scenario.name, scenario.description, newest.content, data)
    made = _typed(request, editor)
    if made is not None:
        version = services.change_scenario(scenario_id, *made, by=request.user, at=clock.now())
        if "run" in request.POST:
            services.start_run(version, by=request.user, at=clock.now())
        return redirect("scenarios:scenario", scenario_id=scenario_id)
    context = {"title": _("Change scenario"), "scenario": scenario, "was_run": queries.was_run(newest)}
    return _page(request, editor, context)


def _typed(request, editor):
    """Name, description and content when they are valid and no button asked for another step of the form."""
    if request.method != "POST" or editor.step(request.POST):
        return None
    content = editor.content(clock.now())
    if content is None:
        editor.is_checked = True
        return None
    given = editor.main.cleaned_data
    return given["name"], given["description"], content


def _page(request, editor, context):
    own_people = queries.our_people()
    context |= {
        "editor": editor, "kinds": queries.MENU, "recent_cases": queries.recent_cases(clock.now()), "our_people": own_people,
    }  # fmt: skip
    return render(request, "scenarios/edit.html", context)
