"""Follow-up: watch everybody who met a case until nothing can come of it any more, and know of each why and how long."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.modules import Can, Job, Keep, Module
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged
from epipolis.understand.tracing.events import ContactsFound

from . import services
from .settings import settings

MODULE = Module(
    title=gettext_noop("Follow-up"),
    icon="phone-call",
    jobs=(Job(services.close_days, every=timedelta(hours=1)),),
    keeps=(
        Keep(
            "followup.follow_ups",
            lambda: settings.keep_days,
            services.forget_follow_ups,
            gettext_noop("Follow-ups are kept a while after their end, to answer for decisions and to learn how it went."),
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
        PeopleMerged: (services.on_people_merged,),
        PeopleUnmerged: (services.on_people_unmerged,),
    },
)
