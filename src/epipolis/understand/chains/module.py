"""Chains: who infected whom, how sure that is, and which cases hang together."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.modules import Can, Job, Module, Page, Tile
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised

from . import queries, services

MODULE = Module(
    title=gettext_noop("Chains"),
    icon="binary-tree",
    api="api.router",
    menu=(Page(gettext_noop("Chains of infection"), url="chains:overview", needs="chains.view"),),
    tiles=(
        Tile(
            gettext_noop("Clusters with cases of this week"),
            queries.clusters_now,
            needs="chains.view",
            definition=gettext_noop(
                "Cases that hang together by links more probable than the rule's bound, with an onset in the last seven days."
            ),
            source=gettext_noop("The line list, meetings found by tracing, and what people decided."),
            url="chains:overview",
            order=70,
        ),
    ),
    jobs=(Job(services.link_recent, every=timedelta(hours=1)),),
    exporters=(
        Exporter(
            "chains",
            gettext_noop("Who infected whom, with the probability"),
            queries.COLUMNS,
            queries.export_rows,
            "chains.export",
            gettext_noop("For the work against this epidemic only. It holds no names, but a row may still point at a person."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See chains of infection and clusters"), roles=("tracer", "epidemiologist", "commander")),
        "judge": Can(gettext_noop("Decide who infected whom"), roles=("tracer", "epidemiologist")),
        "export": Can(gettext_noop("Download chains of infection"), roles=("epidemiologist",)),
    },
    listens={CaseConfirmed: (services.on_case_confirmed,), CaseRevised: (services.on_case_revised,)},
)
