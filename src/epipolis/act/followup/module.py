"""Follow-up: watch everybody who met a case until nothing can come of it any more, and know of each why and how long."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Job, Keep, Module, Page, Tile
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.labs.events import ResultFiled
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged
from epipolis.understand.tracing.events import ContactsFound

from . import queries, services
from .settings import settings


def to_call(at: datetime) -> dict[str, Any]:
    counts = queries.count_to_call(at)
    return {"value": counts["waiting"], "note": _("%(new)d new with high risk") % {"new": counts["new"]}}


def followed(at: datetime) -> dict[str, Any]:
    counts = queries.count_to_call(at)
    return {"value": counts["open"], "note": _("and %(n)d visitors who cannot be called") % {"n": queries.count_unknown()}}


def to_interview(at: datetime) -> dict[str, Any]:
    return {"value": queries.count_to_interview(at)}


def in_time(at: datetime) -> dict[str, Any]:
    """One of the indicators over the last week, as the page counts it; a dash while there is nothing to count."""
    until = clock.local_day(at)
    found = queries.reached_in_time(until - timedelta(days=6), until, at)
    shown = "–" if found.share is None else f"{100 * found.share:.0f} %"
    return {"value": shown, "note": _("%(met)d of %(of)d") % {"met": found.met, "of": found.of}}


MODULE = Module(
    title=gettext_noop("Follow-up"),
    icon="phone-call",
    api="api.router",
    menu=(
        Page(gettext_noop("Whom to call"), url="followup:work_list", needs="followup.view"),
        Page(gettext_noop("Cases to interview"), url="followup:interviews", needs="followup.work", icon="messages"),
        Page(gettext_noop("Add a contact"), url="followup:add", needs="followup.work", icon="user-plus"),
        Page(gettext_noop("Hand-over"), url="followup:handovers", needs="followup.work", icon="arrows-exchange"),
        Page(gettext_noop("Teams"), url="followup:teams", needs="followup.lead", icon="users-group"),
        Page(gettext_noop("How well does it work?"), url="followup:indicators", needs="followup.view", icon="chart-bar"),
    ),
    tiles=(
        Tile(
            gettext_noop("Contacts to call"),
            to_call,
            needs="followup.view",
            definition=gettext_noop("People under follow-up who were promised a call, are new, overdue, or due today."),
            source=gettext_noop("Follow-ups in this platform"),
            url="followup:work_list",
            topics=("followup",),
            order=20,
        ),
        Tile(
            gettext_noop("People under follow-up"),
            followed,
            needs="followup.view",
            definition=gettext_noop("Everybody known who met a case and whose last day is not over."),
            source=gettext_noop("Follow-ups in this platform"),
            url="followup:work_list",
            topics=("followup",),
            order=45,
        ),
        Tile(
            gettext_noop("Cases to interview"),
            to_interview,
            needs="followup.work",
            definition=gettext_noop("Confirmed cases of the last three weeks that nobody has talked with."),
            source=gettext_noop("Interviews in this platform"),
            url="followup:interviews",
            topics=("followup", "cases"),
            order=22,
        ),
        Tile(
            gettext_noop("Contacts reached within 24 hours"),
            in_time,
            needs="followup.view",
            definition=gettext_noop(
                "Of contacts named in the last seven days: those with whom somebody spoke within 24 hours."
            ),
            source=gettext_noop("Follow-ups in this platform"),
            url="followup:indicators",
            topics=("followup",),
            order=46,
        ),
    ),
    jobs=(Job(services.close_days, every=timedelta(hours=1)),),
    keeps=(
        Keep(
            "followup.follow_ups",
            lambda: settings.keep_days,
            services.forget_follow_ups,
            gettext_noop("Follow-ups are kept a while after their end, to answer for decisions and to learn how it went."),
        ),
    ),
    importers=(
        Importer(
            "contacts",
            gettext_noop("Contacts of cases"),
            services.import_contacts,
            needs="followup.import",
            fields=services.FIELDS,
        ),
    ),
    exporters=(
        Exporter(
            "follow_ups",
            gettext_noop("Follow-ups, without names"),
            queries.EXPORTED,
            queries.export_rows,
            needs="followup.export",
            allowed_for=gettext_noop("For the work against this epidemic only. Numbers of people are personal data."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See whom to call and how it went"), roles=("tracer", "epidemiologist", "commander")),
        "work": Can(gettext_noop("Follow contacts: call, note, hand over"), roles=("tracer",)),
        "decide": Can(gettext_noop("Change the days of follow-up and quarantine"), roles=("tracer",)),
        "lead": Can(gettext_noop("Make teams and give out contacts"), roles=("tracer", "commander")),
        "import": Can(gettext_noop("Import contacts"), roles=("tracer", "registrar", "operator", "epidemiologist")),
        "export": Can(gettext_noop("Download follow-ups"), roles=("tracer", "epidemiologist")),
    },
    listens={
        ContactsFound: (services.on_contacts_found,),
        CaseConfirmed: (services.on_case_confirmed,),
        CaseRevised: (services.on_case_revised,),
        ResultFiled: (services.on_result_filed,),
        PeopleMerged: (services.on_people_merged,),
        PeopleUnmerged: (services.on_people_unmerged,),
    },
)
