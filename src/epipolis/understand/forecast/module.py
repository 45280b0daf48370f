"""Forecast: how fast the epidemic grows, what comes in the next weeks, and how good such forecasts were before."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Job, Keep, Layer, Module, Page, Task, Tile

from . import queries, services
from .settings import settings

STAFF = ("epidemiologist", "commander")
_SOURCE = gettext_noop("The newest round of forecasts, from the line list of this platform.")
_TERMS = gettext_noop("Planning. Forecasts are not facts: each is to be shown with its range and its record.")

MODULE = Module(
    title=gettext_noop("Forecast"),
    icon="chart-line",
    api="api.router",
    menu=(
        Page(gettext_noop("What comes next?"), url="forecast:overview", needs="forecast.view"),
        Page(gettext_noop("Map of probability"), url="forecast:map", needs="forecast.view", icon="map-2"),
        Page(gettext_noop("Beds"), url="forecast:beds", needs="forecast.view", icon="bed"),
        Page(gettext_noop("How good are the models?"), url="forecast:models", needs="forecast.view", icon="target"),
        Page(gettext_noop("Rounds and data"), url="forecast:rounds", needs="forecast.view", icon="history"),
    ),
    tiles=(
        Tile(
            gettext_noop("Reproduction number Rt"),
            queries.rt_tile,
            needs="forecast.view",
            definition=gettext_noop("How many others each infected person infects, over seven days by report; 95 % range."),
            source=_SOURCE,
            url="forecast:overview",
            topics=("forecast",),
            order=14,
        ),
        Tile(
            gettext_noop("Cases of the next seven days"),
            queries.ahead_tile,
            needs="forecast.view",
            definition=gettext_noop("The 95 % range of all models together, and how often such ranges held before."),
            source=_SOURCE,
            url="forecast:overview",
            topics=("forecast",),
            order=15,
        ),
        Tile(
            gettext_noop("Occupied beds in two weeks"),
            queries.beds_tile,
            needs="forecast.view",
            definition=gettext_noop(
                "The 95 % range of people in hospital in the whole city, and the limit that is likeliest passed until then."
            ),
            source=gettext_noop("The newest round of forecasts, from uploaded occupied beds, else from the line list."),
            url="forecast:beds",
            topics=("forecast",),
            order=15,
        ),
    ),
    layers=(
        Layer(
            "risk",
            gettext_noop("Probability that the incidence limit is passed, %"),
            url="forecast:areas",
            needs="forecast.view",
            colour_by="probability",
        ),
    ),
    jobs=(Job(services.make_nightly, every=timedelta(hours=3)),),
    tasks=(
        Task(services.TASK, gettext_noop("Forecast"), services.compute_round, needs="forecast.run"),
        Task(services.PAST_TASK, gettext_noop("Forecasts of the past"), services.make_past, needs="forecast.run"),
    ),
    keeps=(
        Keep(
            "forecast.rounds",
            lambda: settings.keep_days,
            services.forget_rounds,
            gettext_noop("a record of past forecasts is worth the more the longer it is; it holds no personal data"),
        ),
        Keep(
            "forecast.series",
            lambda: settings.series_days,
            services.forget_series,
            gettext_noop("models learn from earlier seasons; counts of beds and reports hold no personal data"),
        ),
    ),
    importers=(
        Importer(
            "series",
            gettext_noop("Occupied beds and other series"),
            services.import_series,
            needs="forecast.import",
            fields=services.SERIES_FIELDS,
        ),
        Importer(
            "hub-forecasts",
            gettext_noop("Another team's forecasts (forecast-hub format)"),
            services.import_hub,
            needs="forecast.import",
            fields=services.HUB_FIELDS,
        ),
    ),
    exporters=(
        Exporter(
            "forecasts",
            gettext_noop("The newest forecasts"),
            queries.FORECAST_COLUMNS,
            queries.latest_forecasts,
            "forecast.export",
            _TERMS,
        ),
        Exporter(
            "hub-forecasts",
            gettext_noop("The newest forecasts of all models together, in forecast-hub format"),
            queries.HUB_COLUMNS,
            queries.latest_hub,
            "forecast.export",
            _TERMS,
        ),
        Exporter(
            "forecast-scores",
            gettext_noop("How good every forecast was"),
            queries.SCORE_COLUMNS,
            queries.score_rows,
            "forecast.export",
            _TERMS,
        ),
    ),
    permissions={
        "view": Can(gettext_noop("See forecasts and how good they were"), roles=(*STAFF, "partner")),
        "run": Can(gettext_noop("Make forecasts, also of past days"), roles=STAFF),
        "import": Can(gettext_noop("Upload series and other teams’ forecasts"), roles=("epidemiologist", "operator")),
        "export": Can(gettext_noop("Download forecasts and scores"), roles=(*STAFF, "partner")),
    },
)
