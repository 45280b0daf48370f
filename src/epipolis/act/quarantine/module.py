"""Quarantine and isolation: orders that explain themselves, and the fence around those who are watched."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.act.followup.events import FollowUpsEnded, FollowUpsMoved, FollowUpsOpened
from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.intake import Intake
from epipolis.core.modules import Can, Job, Keep, Module, Page, Task, Tile
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged

from . import queries, services
from .events import AlarmRaised, OrderChanged, OrderEnded, OrderIssued
from .settings import settings


def to_decide(at: datetime) -> dict[str, Any]:
    counts = queries.counts(at)
    return {"value": counts["decide"], "note": _("%(appeals)d appeals among them") % {"appeals": counts["appeals"]}}


def in_force(at: datetime) -> dict[str, Any]:
    counts = queries.count_in_force()
    return {"value": sum(counts.values()), "note": _("%(n)d of them in isolation") % {"n": counts.get("isolation", 0)}}


def alarms(at: datetime) -> dict[str, Any]:
    counts = queries.count_due(at)
    return {"value": counts["open"], "note": _("%(late)d of them late") % {"late": counts["late"]}}


MODULE = Module(
    title=gettext_noop("Quarantine"),
    icon="home-shield",
    api="api.router",
    menu=(
        Page(gettext_noop("Orders"), url="quarantine:orders", needs="quarantine.view"),
        Page(gettext_noop("How orders go"), url="quarantine:statistics", needs="quarantine.view", icon="chart-bar"),
        Page(gettext_noop("The fence"), url="quarantine:desk", needs="quarantine.desk", icon="map-pin-check"),
    ),
    tiles=(
        Tile(
            gettext_noop("Orders to decide"),
            to_decide,
            needs="quarantine.issue",
            definition=gettext_noop("Drafts of isolation and quarantine, questions about orders in force, and open appeals."),
            source=gettext_noop("Orders in this platform"),
            url="quarantine:orders",
            topics=("quarantine",),
            order=21,
        ),
        Tile(
            gettext_noop("People under an order"),
            in_force,
            needs="quarantine.view",
            definition=gettext_noop("Orders of isolation and quarantine in force now."),
            source=gettext_noop("Orders in this platform"),
            url="quarantine:orders",
            topics=("quarantine",),
            order=47,
        ),
        Tile(
            gettext_noop("Alarms to look after"),
            alarms,
            needs="quarantine.desk",
            definition=gettext_noop("People whose phone is away, silent or contradicts itself, and whom nobody has asked yet."),
            source=gettext_noop("Phones of people who are watched"),
            url="quarantine:desk",
            topics=("fence",),
            order=22,
        ),
    ),
    jobs=(
        Job(services.look_for_silence, every=timedelta(minutes=1)),
        Job(services.climb_ladders, every=timedelta(minutes=1)),
        Job(services.ask_network, every=timedelta(minutes=5)),
        Job(services.sync_watches, every=timedelta(minutes=10)),
        Job(services.end_orders, every=timedelta(minutes=10)),
        Job(services.forget_erased, every=timedelta(hours=1)),
    ),
    tasks=(Task(services.TOGETHER, gettext_noop("Issue orders together"), services.issue_together, needs="quarantine.issue"),),
    keeps=(
        Keep(
            "quarantine.orders",
            lambda: settings.keep_days,
            services.forget_orders,
            gettext_noop("Orders are kept a while after their end, for appeals and compensation, and then erased."),
        ),
        Keep(
            "quarantine.fence",
            queries.appeal_days,
            services.forget_evidence,
            gettext_noop(
                "What alarms stand on is kept until an order can no longer be appealed; other positions go at its end."
            ),
        ),
        Keep(
            "quarantine.shift_notes",
            lambda: settings.shift_notes_days,
            services.forget_shift_notes,
            gettext_noop("Notes from one shift to the next are kept while somebody may ask about them."),
        ),
    ),
    intakes=(
        Intake(
            "quarantine/positions",
            services.Position,
            services.record_positions,
            "quarantine.position",
            bulk=services.load_positions,
        ),
        Intake("quarantine/phones/positions", services.Post, services.answer_posts, "", by="phone"),
    ),
    importers=(
        Importer(
            "orders",
            gettext_noop("Orders from another list"),
            services.import_orders,
            needs="quarantine.import",
            fields=services.FIELDS,
            tells=gettext_noop("Tell people of the orders that are new here and in force, by a message"),
        ),
    ),
    exporters=(
        Exporter(
            "orders",
            gettext_noop("Orders, without names and addresses"),
            queries.EXPORTED,
            queries.export_rows,
            needs="quarantine.export",
            allowed_for=gettext_noop("For the work against this epidemic only. Numbers of people are personal data."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See orders of isolation and quarantine"), roles=("tracer", "epidemiologist", "commander")),
        "issue": Can(gettext_noop("Issue, change and lift orders"), roles=("tracer", "commander")),
        "decide": Can(gettext_noop("Answer appeals against orders that others issued"), roles=("commander",)),
        "watch": Can(gettext_noop("Switch watching by phone on and off for an order"), roles=("commander",)),
        "help": Can(
            gettext_noop("Note and meet the needs of people under an order"), roles=("tracer", "commander", "registrar")
        ),
        "desk": Can(gettext_noop("Look after people who are watched by phone"), roles=("tracer", "commander")),
        "position": Can(gettext_noop("Send positions of phones that were enrolled"), roles=("partner",)),
        "import": Can(gettext_noop("Import orders from another list"), roles=("commander",)),
        "export": Can(gettext_noop("Download orders"), roles=("tracer", "epidemiologist")),
    },
    listens={
        CaseConfirmed: (services.on_case_confirmed,),
        CaseRevised: (services.on_case_revised,),
        FollowUpsOpened: (services.on_follow_ups,),
        FollowUpsMoved: (services.on_follow_ups,),
        FollowUpsEnded: (services.on_follow_ups,),
        OrderIssued: (services.on_order_issued,),
        OrderChanged: (services.on_order_changed,),
        OrderEnded: (services.on_order_ended,),
        AlarmRaised: (services.on_alarm_raised,),
        PeopleMerged: (services.on_people_merged,),
        PeopleUnmerged: (services.on_people_unmerged,),
    },
)
