"""Transfers: cases go to other health offices and come from them, and of each it is known who owns it now."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.modules import Can, Job, Keep, Module, Page, Tile
from epipolis.sense.cases.events import CaseRevised

from . import queries, services
from .events import MessageQueued
from .settings import settings

STAFF = ("registrar", "epidemiologist")

MODULE = Module(
    title=gettext_noop("Other offices"),
    icon="send",
    api="api.router",
    menu=(
        Page(gettext_noop("Transfers"), url="transfers:transfers", needs="transfers.view"),
        Page(gettext_noop("Exchange files"), url="transfers:files", needs="transfers.export", icon="file-export"),
        Page(gettext_noop("Partner offices"), url="transfers:partners", needs="transfers.view", icon="building-community"),
    ),
    tiles=(
        Tile(
            gettext_noop("Cases from other offices to answer"),
            queries.count_waiting,
            needs="transfers.view",
            definition=gettext_noop("Cases that another office has handed over or shared and nobody here has answered."),
            source=gettext_noop("The transfers between offices."),
            url="transfers:transfers",
            topics=("transfers",),
            order=18,
        ),
        Tile(
            gettext_noop("Transfers without an answer"),
            queries.count_stuck,
            needs="transfers.view",
            definition=gettext_noop("Cases that could not be delivered, or that another office has not answered for a day."),
            source=gettext_noop("The transfers between offices."),
            url="transfers:transfers",
            topics=("transfers",),
            order=34,
        ),
    ),
    jobs=(
        Job(services.deliver_waiting, every=timedelta(seconds=5)),
        Job(services.refresh_shared, every=timedelta(hours=24)),
    ),
    keeps=(
        Keep(
            "transfers.documents",
            lambda: settings.keep_days,
            services.forget_documents,
            gettext_noop("The document of a transfer is needed until it was answered and disputes are settled."),
        ),
        Keep(
            "transfers.transfers",
            lambda: settings.proof_days,
            services.forget_transfers,
            gettext_noop("It must stay known who gave which case to whom and when."),
        ),
        Keep(
            "transfers.nonces",
            lambda: 1,
            services.forget_nonces,
            gettext_noop("So that no signed request is taken twice."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See transfers between offices, without names"), roles=(*STAFF, "commander")),
        "open": Can(gettext_noop("Open the document of a transfer, with names; each look is logged"), roles=STAFF),
        "send": Can(gettext_noop("Hand cases over to other offices, share them, and withdraw that"), roles=STAFF),
        "decide": Can(gettext_noop("Accept or reject cases of other offices"), roles=STAFF),
        "export": Can(gettext_noop("Take whole cases with names into a file"), roles=STAFF),
        "import": Can(gettext_noop("Import cases from files of other offices"), roles=STAFF),
        "manage": Can(gettext_noop("Add other offices, compare their keys, close them"), roles=("registrar",)),
    },
    listens={MessageQueued: (services.on_message_queued,), CaseRevised: (services.on_case_changed,)},
)
