"""Pages on which a case definition is tried on all cases, and applied."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.core.exports import FORMATS, download
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.forms import ReplayForm
from epipolis.sense.cases.models import Classification, Replay


@needs("cases.view")
@require_http_methods(["GET", "HEAD", "POST"])
def definitions(request: HttpRequest) -> HttpResponse:
    """Every case definition that is known, which one is in force, what was tried; a form to try one."""
    packs = queries.definitions()
    form = ReplayForm(request.POST or None, definitions=packs, initial={"as_of": clock.today()})
    if request.method == "POST" and request.user.has_perm("cases.replay") and form.is_valid():  # type: ignore[union-attr]  # -- the page needs an account
        pack = next(pack for pack in packs if pack.reference == form.cleaned_data["definition"])
        try:
            made = services.start_replay(pack, form.cleaned_data["as_of"], by=request.user, at=clock.now())
            return redirect("cases:replay", replay_id=made.id)
        except ValueError as error:
            form.add_error(None, str(error))
    shown = [(pack, pack.reference in queries.references_in_force(clock.today()), _criteria(pack)) for pack in packs]
    return render(request, "cases/definitions.html", {"form": form, "packs": shown, "replays": queries.replays()[:20]})


@needs("cases.view")
@require_safe
def replay(request: HttpRequest, replay_id: int) -> HttpResponse:
    """What a definition would change: how many cases from what to what, and which."""
    found = _replay(replay_id)
    labels = dict(Classification.choices)
    counts = [(labels[before], labels[after], cases, kept) for before, after, cases, kept in found.counts]
    page = Paginator(queries.changes_of(found.id), 50).get_page(request.GET.get("page"))
    rows = [(change, queries.explained({"reasons": change.reasons})) for change in page]
    changing = sum(cases - kept for _before, _after, cases, kept in counts)
    context = {"replay": found, "counts": counts, "page": page, "rows": rows, "changing": changing}
    context["can_apply"] = found.state == Replay.State.READY and found.as_of == clock.today()
    return render(request, "cases/replay.html", context)


@needs("cases.export")
@require_safe
def export_changes(request: HttpRequest, replay_id: int, kind: str) -> HttpResponseBase:
    """The cases that would change, as a file."""
    found = _replay(replay_id)
    if kind not in FORMATS:
        raise Http404
    audit.record("export", by=request.user, at=clock.now(), subject="cases.replay", replay=found.id)
    return download(f"definition-{found.id}", kind, queries.CHANGES, queries.change_rows(found.id))


@needs("cases.apply")
@require_POST
def apply(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Put the definition in force and classify all cases by it, in the background."""
    found = _replay(replay_id)
    try:
        run = services.start_apply(found.id, by=request.user, at=clock.now())
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("cases:replay", replay_id=found.id)
    messages.success(request, _("The cases are being classified. This page shows how far it is."))
    return redirect("run", run=run.id)


def _criteria(pack: Any) -> list[tuple[str, str, str]]:
    labels = dict(Classification.choices)
    return [
        (str(labels.get(one["classification"], one["classification"])), str(criterion["id"]), _(criterion["text"]))
        for one in pack.content.get("classes", [])
        for criterion in one.get("criteria", [])
    ]


def _replay(replay_id: int) -> Replay:
    found = queries.replay(replay_id)
    if found is None:
        raise Http404
    return found
