"""Tracing: turn a confirmed case and the city's visits into a list of people to call."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.modules import Can, Job, Keep, Layer, Module, Page, Tile
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.checkins.events import RouteTold

from . import queries, services
from .settings import settings


def time_to_trace(at: datetime) -> dict[str, Any]:
    minutes = queries.median_minutes_to_trace(at)
    if minutes is None or minutes < 120:
        return {"value": None if minutes is None else round(minutes, 1), "unit": _("minutes")}
    return {"value": round(minutes / 60, 1), "unit": _("hours")}


MODULE = Module(
    title=gettext_noop("Tracing"),
    icon="affiliate",
    api="api.router",
    menu=(
        Page(gettext_noop("Exposures found"), url="tracing:work_list", needs="tracing.view"),
        Page(gettext_noop("Clusters"), url="tracing:clusters", needs="tracing.view", icon="chart-bubble"),
        Page(gettext_noop("Network"), url="tracing:network", needs="tracing.view"),
    ),
    tiles=(
        Tile(
            gettext_noop("Median time from confirmation to trace"),
            time_to_trace,
            needs="tracing.view",
            definition=gettext_noop("From the moment a case's facts became known here to the first trace, last seven days."),
            source=gettext_noop("Traces in this platform"),
            url="tracing:work_list",
            topics=("contacts",),
            order=60,
        ),
    ),
    layers=(
        Layer(
            "clusters",
            gettext_noop("Clusters of cases"),
            url="tracing:cluster_layer",
            needs="tracing.view",
            colour_by="cases",
            kind="circle",
        ),
    ),
    jobs=(Job(services.trace_open_cases, every=timedelta(hours=1)),),
    keeps=(
        Keep(
            "contacts",
            days=lambda: settings.keep_days,
            forget=services.forget_old_contacts,
            why=gettext_noop("Contacts and traces serve to reach people in time and to learn how that went."),
        ),
    ),
    exporters=(
        Exporter(
            "contacts",
            gettext_noop("Contacts of cases, without names"),
            queries.EXPORTED,
            queries.contact_rows,
            needs="tracing.export",
            allowed_for=gettext_noop("Tracing only. Pseudonyms are personal data."),
        ),
    ),
    permissions={
        "view": Can("See contacts, sources and clusters", roles=("tracer", "epidemiologist", "commander")),
        "work": Can("Work on contacts", roles=("tracer",)),
        "run": Can("Trace a case", roles=("tracer", "epidemiologist")),
        "export": Can("Download contacts", roles=("epidemiologist", "tracer")),
    },
    listens={
        CaseConfirmed: (services.on_case_confirmed,),
        CaseRevised: (services.on_case_revised,),
        RouteTold: (services.on_route_told,),
    },
)
