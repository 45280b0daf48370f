"""Laboratories: every message that they send is kept, understood once, and ends in exactly one state."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Job, Keep, Module, Page, Tile

from . import queries, services
from .events import MessagesReceived, PositivesReceived
from .settings import settings

STAFF = ("tracer", "registrar")
_TERMS = gettext_noop("For the work against this epidemic only. It holds no names, but a row may still point at a person.")

MODULE = Module(
    title=gettext_noop("Laboratories"),
    icon="microscope",
    api="api.router",
    menu=(
        Page(gettext_noop("Laboratory inbox"), url="labs:inbox", needs="labs.view"),
        Page(gettext_noop("Laboratories"), url="labs:laboratories", needs="labs.view", icon="building-hospital"),
        Page(gettext_noop("Sample counter"), url="labs:counter", needs="labs.counter", icon="barcode"),
        Page(gettext_noop("Test devices"), url="labs:devices", needs="labs.view", icon="device-mobile"),
    ),
    tiles=(
        Tile(
            gettext_noop("Laboratory messages to look at"),
            queries.waiting_tile,
            needs="labs.view",
            definition=gettext_noop(
                "Messages that could not be filed without a person: unclear ones, and those that cannot be read."
            ),
            source=gettext_noop("The messages of the laboratories."),
            url="labs:inbox",
            topics=("labs",),
            order=17,
        ),
        Tile(
            gettext_noop("Hours from sample to result"),
            queries.hours_tile,
            needs="labs.view",
            definition=gettext_noop("Half of the results of the last week arrived within so many hours of their sample."),
            source=gettext_noop("First results with the time of their sample, not older than 30 days."),
            url="labs:laboratories",
            topics=("labs",),
            order=32,
        ),
        Tile(
            gettext_noop("Silent laboratories"),
            queries.silent_tile,
            needs="labs.view",
            definition=gettext_noop(
                "Laboratories that should have sent something by now. Their results are missing, not zero."
            ),
            source=gettext_noop("The arrival of their messages."),
            url="labs:laboratories",
            topics=("labs",),
            order=33,
        ),
        Tile(
            gettext_noop("Silent test devices"),
            queries.stale_tile,
            needs="labs.view",
            definition=gettext_noop("Test devices in use that were not heard for so long as the rules allow."),
            source=gettext_noop("What devices send, and their regular word that they are there."),
            url="labs:devices",
            topics=("labs",),
            order=34,
        ),
    ),
    jobs=(Job(services.check_for_left_behind, every=timedelta(minutes=5)),),
    keeps=(
        Keep(
            "labs.messages",
            lambda: settings.raw_days,
            services.forget_messages,
            gettext_noop("The text of a message is needed to settle what is unclear; its results stay with the case."),
        ),
        Keep(
            "labs.samples",
            lambda: settings.raw_days,
            services.forget_samples,
            gettext_noop("Whose a barcode was is needed until its result is settled; the result stays with the case."),
        ),
    ),
    importers=(
        Importer(
            "lab_results",
            gettext_noop("Laboratory results"),
            services.import_results,
            needs="labs.import",
            fields=services.RESULT_FIELDS,
        ),
    ),
    exporters=(
        Exporter(
            "lab_results", gettext_noop("Laboratory results"), queries.COLUMNS, queries.result_rows, "labs.export", _TERMS
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See laboratory messages and results"), roles=(*STAFF, "epidemiologist")),
        "send": Can(gettext_noop("Send laboratory messages"), roles=("partner",)),
        "measure": Can(gettext_noop("Send readings of the test device that the token belongs to"), roles=("kiosk",)),
        "counter": Can(gettext_noop("Give sample labels to people"), roles=STAFF),
        "devices": Can(
            gettext_noop("Register test devices, who works with them, and lots of kits"), roles=("registrar", "operator")
        ),
        "handle": Can(gettext_noop("Decide about laboratory messages that wait"), roles=STAFF),
        "open": Can(gettext_noop("Open the text of laboratory messages, with names; each look is logged"), roles=STAFF),
        "manage": Can(gettext_noop("Register laboratories and explain their codes"), roles=("registrar", "operator")),
        "import": Can(gettext_noop("Import tables of laboratory results"), roles=("registrar", "operator")),
        "export": Can(gettext_noop("Export laboratory results"), roles=("epidemiologist", "registrar")),
    },
    listens={
        MessagesReceived: (services.on_messages_received,),
        PositivesReceived: (services.on_messages_received,),
    },
)
