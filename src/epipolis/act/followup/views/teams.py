"""Teams: who works in which languages and districts, how much they have, and giving out what nobody has."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import MemberForm, TeamForm
from epipolis.act.followup.services import FollowUpError
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.city import queries as city


@needs("followup.lead")
@require_GET
def teams(request: HttpRequest) -> HttpResponse:
    """Who follows whom, and how much there is to do."""
    return _page(request)


@needs("followup.lead")
@require_POST
def team(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _page(request, 422, team_form=form)
    try:
        services.save_team(**form.cleaned_data, by=request.user, at=clock.now())
    except FollowUpError as error:
        form.add_error("name", _(error.rule))
        return _page(request, 422, team_form=form)
    return redirect("followup:teams")


@needs("followup.lead")
@require_POST
def member(request: HttpRequest) -> HttpResponse:
    """Say in which team somebody works and what they can do."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _page(request, 422, member_form=form)
    services.save_member(**form.cleaned_data, by=request.user, at=clock.now())
    return redirect("followup:teams")


@needs("followup.lead")
@require_POST
def assign_waiting(request: HttpRequest) -> HttpResponse:
    """Give out the contacts that nobody has."""
    count = services.assign_waiting(by=request.user, at=clock.now())
    if count:
        text = ngettext("%(n)d contact was given out.", "%(n)d contacts were given out.", count)
        messages.success(request, text % {"n": count})
    else:
        messages.warning(request, _("Nothing was given out: nobody waits, or everybody has as much as they can take."))
    return redirect("followup:teams")


def _page(request: HttpRequest, status: int = 200, **forms: object) -> HttpResponse:
    at = clock.now()
    waiting = queries.counts(at, queries.Wanted(unassigned=True))
    load, districts = queries.loads(), dict(city.districts().values_list("id", "name"))
    members = [
        {
            "member": one,
            "open": load.get(one.user_id, 0),
            "districts": [districts.get(key, str(key)) for key in one.districts],
        }
        for one in queries.members()
    ]
    context = {
        "members": members,
        "teams": queries.teams(),
        "waiting": [(lane, queries.LANE_NAMES[lane](), count) for lane, count in waiting.items()],
        "many": queries.COUNTED,
        "team_form": TeamForm(),
        "member_form": MemberForm(),
    }
    return render(request, "followup/teams.html", context | forms, status=status)
