"""The change of shifts: what is handed over, with what the other must know, and taken."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import HandoverForm
from epipolis.act.followup.services import FollowUpError
from epipolis.core import clock
from epipolis.core.access import needs


@needs("followup.work")
@require_GET
def handovers(request: HttpRequest) -> HttpResponse:
    """What waits to be taken, what I gave, and the way to give."""
    return _page(request, HandoverForm())


@needs("followup.work")
@require_POST
def hand_over(request: HttpRequest) -> HttpResponse:
    """Offer my open contacts to a colleague."""
    form = HandoverForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    try:
        made = services.hand_over(giver=request.user, **form.cleaned_data, by=request.user, at=clock.now())  # type: ignore[arg-type]  # -- signed in
    except FollowUpError as error:
        form.add_error(None, _(error.rule))
        return _page(request, form, 422)
    count = len(made.follow_ups)
    text = ngettext("%(n)d contact waits to be taken.", "%(n)d contacts wait to be taken.", count)
    messages.success(request, text % {"n": count})
    return redirect("followup:handovers")


@needs("followup.work")
@require_POST
def accept(request: HttpRequest, number: int) -> HttpResponse:
    """Take what was handed over."""
    if queries.handover(number) is None:
        raise Http404
    try:
        count = services.accept_handover(number, by=request.user, at=clock.now())  # type: ignore[arg-type]  # -- signed in
    except FollowUpError as error:
        messages.error(request, _(error.rule))
    else:
        text = ngettext("%(n)d contact is yours now.", "%(n)d contacts are yours now.", count)
        messages.success(request, text % {"n": count})
    return redirect("followup:handovers")


def _page(request: HttpRequest, form: HandoverForm, status: int = 200) -> HttpResponse:
    at, team = clock.now(), queries.team_of(request.user.pk)
    found = queries.handovers(request.user, team=team.id if team else None, since=at - timedelta(days=3))  # type: ignore[arg-type]  # -- signed in
    context = {
        "form": form,
        "team": team,
        "mine": queries.loads().get(request.user.pk, 0),  # type: ignore[arg-type]  # -- as above
        "handovers": found[:50],
    }
    return render(request, "followup/handovers.html", context, status=status)
