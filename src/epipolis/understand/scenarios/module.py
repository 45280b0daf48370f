"""Scenarios: ask a simulated city what would happen if, before anything is ordered in the real one."""

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.modules import Can, Module, Page, Task, Tile

from . import queries, services

STAFF = ("epidemiologist", "commander")

MODULE = Module(
    title=gettext_noop("Scenarios"),
    icon="git-compare",
    api="api.router",
    menu=(
        Page(gettext_noop("What if?"), url="scenarios:list", needs="scenarios.view"),
        Page(gettext_noop("Compare scenarios"), url="scenarios:compare", needs="scenarios.view", icon="chart-arrows"),
    ),
    tiles=(
        Tile(
            gettext_noop("Last comparison of scenarios"),
            queries.comparison_tile,
            needs="scenarios.view",
            definition=gettext_noop("Infections a day in the two shared scenarios that were simulated last. Not observed."),
            source=gettext_noop("The simulated city of this platform"),
            template="scenarios/parts/tile.html",
            url="scenarios:compare",
            topics=("scenarios",),
            order=70,
        ),
    ),
    tasks=(Task(services.TASK, gettext_noop("Simulate a scenario"), services.compute_run, needs="scenarios.run"),),
    exporters=(
        Exporter(
            "scenarios",
            gettext_noop("Shared scenarios that were simulated, with their totals"),
            queries.EXPORTED,
            queries.all_rows,
            needs="scenarios.view",
            allowed_for=gettext_noop("Planning. Everything in it is simulated, not observed."),
        ),
    ),
    permissions={
        "view": Can("See scenarios and compare them", roles=STAFF),
        "run": Can("Make scenarios and simulate them", roles=STAFF),
        "manage": Can("See and change everybody’s scenarios", roles=("commander",)),
    },
)
