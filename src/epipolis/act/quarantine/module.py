"""Quarantine and isolation: orders that explain themselves, and the fence around those who are watched."""

from django.utils.translation import gettext_noop

from epipolis.act.followup.events import FollowUpEnded, FollowUpMoved, FollowUpOpened
from epipolis.core.modules import Can, Module
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised

from . import services

MODULE = Module(
    title=gettext_noop("Quarantine"),
    icon="home-shield",
    permissions={
        "view": Can(gettext_noop("See orders of isolation and quarantine"), roles=("tracer", "epidemiologist", "commander")),
        "issue": Can(gettext_noop("Issue, change and lift orders"), roles=("commander", "tracer")),
    },
    listens={
        CaseConfirmed: (services.on_case_confirmed,),
        CaseRevised: (services.on_case_revised,),
        FollowUpOpened: (services.on_follow_up,),
        FollowUpMoved: (services.on_follow_up,),
        FollowUpEnded: (services.on_follow_up,),
    },
)
