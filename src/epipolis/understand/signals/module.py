"""Signals: what stands out of the city's figures, how often such an alarm is false, and what people made of it."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.modules import Can, Job, Keep, Layer, Module, Page, Task, Tile

from . import queries, services
from .settings import settings

STAFF = ("epidemiologist", "commander")

MODULE = Module(
    title=gettext_noop("Early warning"),
    icon="bell-ringing",
    api="api.router",
    menu=(
        Page(gettext_noop("What stands out?"), url="signals:inbox", needs="signals.view"),
        Page(gettext_noop("Hot spots"), url="signals:hot_spots", needs="signals.view", icon="flame"),
        Page(gettext_noop("False alarms and rules"), url="signals:record", needs="signals.view", icon="scale"),
    ),
    tiles=(
        Tile(
            gettext_noop("Signals to look at"),
            queries.open_tile,
            needs="signals.view",
            definition=gettext_noop(
                "Signals that nobody has looked at: values beyond what chance explains, incidence limits passed, hot spots."
            ),
            source=gettext_noop(
                "The newest look at everything that the rules watch, from the line list and the uploaded series."
            ),
            url="signals:inbox",
            topics=("signals",),
            order=16,
        ),
    ),
    layers=(
        Layer(
            "hot-spots",
            gettext_noop("Hot spots: cases, times what was expected"),
            url="signals:spot_layer",
            needs="signals.view",
            colour_by="excess",
        ),
    ),
    jobs=(Job(services.look_nightly, every=timedelta(hours=3)),),
    tasks=(Task(services.TASK, gettext_noop("Early warning"), services.compute_looks, needs="signals.run"),),
    keeps=(
        Keep(
            "signals.signals",
            lambda: settings.keep_days,
            services.forget_signals,
            gettext_noop(
                "whether a stated rate of false alarms is kept shows only after years; signals hold no data of patients"
            ),
        ),
    ),
    exporters=(
        Exporter(
            "signals",
            gettext_noop("Signals and what people made of them"),
            queries.COLUMNS,
            queries.signal_rows,
            "signals.view",
            gettext_noop("Planning and checking. A signal is a question, not a fact."),
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See signals and hot spots"), roles=(*STAFF, "tracer")),
        "judge": Can(gettext_noop("Say what a signal was"), roles=STAFF),
        "run": Can(gettext_noop("Look for signals now or in the past"), roles=STAFF),
    },
)
