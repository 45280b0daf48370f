"""Situation: the live picture of the epidemic, as it is known now or was known at any moment before."""

from django.utils.translation import gettext_lazy as _

from epipolis.core.modules import Can, Layer, Module, Page, Tile

from . import queries

STAFF = ("tracer", "epidemiologist", "commander", "registrar", "partner")
SOURCE = _("the line list of this platform")

MODULE = Module(
    title=_("Situation"),
    icon="activity",
    api="api.router",
    menu=(Page(_("Live picture"), url="situation:situation", needs="situation.view"),),
    tiles=(
        Tile(
            _("New cases today"),
            queries.new_cases_tile,
            needs="situation.view",
            definition=_("Confirmed cases reported today, by the city's calendar day."),
            source=SOURCE,
            url="situation:situation",
            topics=("cases",),
            order=10,
        ),
        Tile(
            _("7-day incidence per 100,000"),
            queries.incidence_tile,
            needs="situation.view",
            definition=_("Confirmed cases reported in the last seven days, per 100,000 people who live in the city."),
            source=SOURCE,
            url="situation:situation",
            topics=("cases",),
            order=11,
        ),
        Tile(
            _("Active cases"),
            queries.active_tile,
            needs="situation.view",
            definition=_("Confirmed cases of the last weeks who have neither recovered nor died."),
            source=SOURCE,
            url="situation:situation",
            topics=("cases",),
            order=12,
        ),
        Tile(
            _("Epidemic curve"),
            queries.curve_tile,
            needs="situation.view",
            definition=_("Confirmed cases by onset of illness and by report; the latest days are not complete yet."),
            source=SOURCE,
            template="core/tiles/chart.html",
            url="situation:situation",
            topics=("cases",),
            order=20,
        ),
    ),
    layers=(
        Layer(
            "incidence",
            _("7-day incidence by district"),
            url="/situation/districts.geojson",
            needs="situation.view",
            colour_by="incidence_7_days",
        ),
    ),
    permissions={
        "view": Can("See the live picture", roles=STAFF),
        "export": Can("Download the tables of the live picture", roles=("epidemiologist", "commander")),
    },
)
