"""Notices: what the city has to tell somebody reaches them, in their language, and everybody sees that it did."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Job, Keep, Module, Page, Tile

from . import queries, services
from .events import BroadcastApproved, NoticeQueued
from .settings import settings

STAFF = ("tracer", "epidemiologist", "commander", "operator")


def on_the_way(at: datetime) -> dict[str, Any]:
    found = queries.waiting(at)
    return {"value": found["due"], "note": _("and %(n)d held for the morning or for their time") % {"n": found["held"]}}


def failed(at: datetime) -> dict[str, Any]:
    counts = queries.count_by_state(at - timedelta(days=1))
    return {
        "value": counts.get("failed", 0) + counts.get("expired", 0),
        "note": _("of %(n)d in 24 hours") % {"n": sum(counts.values())},
    }


def spent_today(at: datetime) -> dict[str, Any]:
    day = clock.local_day(at)
    found = queries.spent(day, day)
    currency = queries.costs(at)["currency"]
    count = sum(one.sent for one in found)
    return {"value": f"{sum(one.cost for one in found):.2f} {currency}", "note": _("for %(n)d messages") % {"n": count}}


MODULE = Module(
    title=gettext_noop("Messages"),
    icon="message",
    api="api.router",
    menu=(
        Page(gettext_noop("Outbox"), url="notices:outbox", needs="notices.view"),
        Page(gettext_noop("Calls and letters"), url="notices:desk", needs="notices.carry", icon="mail"),
        Page(gettext_noop("Answers"), url="notices:answers", needs="notices.open", icon="message-reply"),
        Page(gettext_noop("Texts"), url="notices:templates", needs="notices.view", icon="file-text"),
        Page(gettext_noop("Warnings by area"), url="notices:broadcasts", needs="notices.view", icon="speakerphone"),
        Page(gettext_noop("What messages cost"), url="notices:costs", needs="notices.view", icon="coin"),
    ),
    tiles=(
        Tile(
            gettext_noop("Messages that wait to leave"),
            on_the_way,
            needs="notices.view",
            definition=gettext_noop("Messages whose time has come and that no provider has taken yet."),
            source=gettext_noop("The outbox of this platform"),
            url="notices:outbox",
            topics=("notices",),
            order=47,
        ),
        Tile(
            gettext_noop("Messages that reached nobody"),
            failed,
            needs="notices.view",
            definition=gettext_noop("Messages of the last 24 hours of which every way has failed, or that were too late."),
            source=gettext_noop("The outbox of this platform"),
            url="notices:outbox",
            topics=("notices",),
            order=24,
        ),
        Tile(
            gettext_noop("Calls to make and letters to print"),
            lambda at: {"value": queries.count_desk()},
            needs="notices.carry",
            definition=gettext_noop("Messages that people carry, because no other way is left or the person wants it so."),
            source=gettext_noop("The outbox of this platform"),
            url="notices:desk",
            topics=("notices",),
            order=26,
        ),
        Tile(
            gettext_noop("Messages sent today"),
            spent_today,
            needs="notices.view",
            definition=gettext_noop("What today's messages cost by the prices that the city has entered."),
            source=gettext_noop("The outbox of this platform"),
            url="notices:costs",
            topics=("notices",),
            order=70,
        ),
    ),
    jobs=(
        Job(services.send_waiting, every=timedelta(seconds=5)),
        Job(services.match_reports, every=timedelta(seconds=30)),
        Job(services.play_provider, every=timedelta(seconds=5)),
        Job(services.read_returns, every=timedelta(minutes=1)),
    ),
    keeps=(
        Keep(
            "notices.texts",
            lambda: settings.keep_days,
            services.forget_texts,
            gettext_noop("What a message said and where it went is needed until questions about it are settled."),
        ),
        Keep(
            "notices.notices",
            lambda: settings.proof_days,
            services.forget_notices,
            gettext_noop("It must stay known who was told what kind of thing, and when."),
        ),
        Keep(
            "notices.answers",
            lambda: settings.keep_days,
            services.forget_answers,
            gettext_noop("What people wrote back is needed as long as what they answered."),
        ),
        Keep("notices.simulated", lambda: 7, services.forget_simulated, gettext_noop("A simulated phone forgets soon.")),
    ),
    importers=(
        Importer(
            "preferences",
            gettext_noop("How people want to be told"),
            services.import_preferences,
            needs="notices.import",
            fields=services.PREFERENCE_FIELDS,
        ),
    ),
    exporters=(
        Exporter(
            "notices",
            gettext_noop("Messages, without names, numbers and texts"),
            queries.EXPORTED,
            queries.export_rows,
            needs="notices.export",
            allowed_for=gettext_noop("For the work of the city only."),
        ),
        Exporter(
            "preferences",
            gettext_noop("How people want to be told, by their number here"),
            queries.PREFERENCE_COLUMNS,
            queries.preference_rows,
            needs="notices.import",
            allowed_for=gettext_noop("To be corrected and imported again. Numbers of people are personal data."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See which messages went out and what became of them, without names and texts"), roles=STAFF),
        "open": Can(
            gettext_noop("Open messages and answers with their text and number; each look is logged"), roles=("tracer",)
        ),
        "send": Can(
            gettext_noop("Write to a person, take messages back, note how somebody wants to be told"), roles=("tracer",)
        ),
        "import": Can(gettext_noop("Import and download how people want to be told"), roles=("tracer", "registrar")),
        "carry": Can(gettext_noop("Make calls and print letters of messages"), roles=("tracer", "registrar")),
        "write": Can(gettext_noop("Write the texts of messages"), roles=("tracer", "epidemiologist", "operator")),
        "approve": Can(gettext_noop("Approve texts that somebody else wrote"), roles=("epidemiologist", "commander")),
        "warn": Can(gettext_noop("Draft warnings to everybody in an area"), roles=("epidemiologist", "commander")),
        "release": Can(gettext_noop("Let warnings go out that somebody else drafted, and call them off"), roles=("commander",)),
        "export": Can(gettext_noop("Download the list of messages, without names"), roles=("epidemiologist", "auditor")),
    },
    listens={
        NoticeQueued: (services.on_notice_queued,),
        BroadcastApproved: (services.on_broadcast_approved,),
    },
)
