"""Check-ins: where people were together, so that a later case can be traced."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.imports import Importer
from epipolis.core.intake import Intake
from epipolis.core.modules import Can, Job, Keep, Layer, Module, Page, Tile

from . import queries, services


def end_due_visits() -> int:
    """Automatic check-out, every minute of the platform's clock."""
    return services.end_due_visits(at=clock.now())


MODULE = Module(
    title=gettext_noop("Check-ins"),
    icon="qrcode",
    api="api.router",
    menu=(Page(gettext_noop("Venues"), url="checkins:venues", needs="checkins.view"),),
    tiles=(
        Tile(
            gettext_noop("People checked in now"),
            queries.count_here,
            needs="checkins.view",
            definition=gettext_noop(
                "Visits whose stay is not over, companions included; days known by date only do not count."
            ),
            source=gettext_noop("Check-ins by code, kiosk and partners"),
            url="checkins:venues",
        ),
    ),
    layers=(
        Layer(
            "venues", gettext_noop("People at venues now"), "/api/v1/checkins/venues.geojson", "checkins.view", "here", "circle"
        ),
    ),
    jobs=(Job(end_due_visits, timedelta(minutes=1)),),
    keeps=(
        Keep(
            "check-ins",
            services.keep_days,
            services.forget_old_visits,
            gettext_noop("The longest time in which a visit can matter for tracing"),
        ),
        Keep(
            "told routes",
            services.keep_route_days,
            services.forget_old_routes,
            gettext_noop("Casework, from the day it became known"),
        ),
        Keep(
            "linked phones",
            services.keep_days,
            services.forget_old_links,
            gettext_noop("Which person a phone was, until the last visit under it is erased"),
        ),
    ),
    importers=(
        Importer(
            "visits",
            gettext_noop("Visits"),
            services.import_visits,
            "checkins.import",
            fields=services.VISIT_FIELDS,
            mappings=services.VISIT_MAPPINGS,
        ),
        Importer("venues", gettext_noop("Venues"), services.import_venues, "checkins.manage", fields=services.VENUE_FIELDS),
    ),
    intakes=(
        Intake("checkins/visits", services.CheckIn, services.record_visits, "checkins.record", bulk=services.load_visits),
    ),
    permissions={
        "view": Can(gettext_noop("See venues and how many people are there"), roles=("tracer", "epidemiologist", "operator")),
        "record": Can(gettext_noop("Record check-ins"), roles=("kiosk", "partner")),
        "manage": Can(gettext_noop("Register venues and print their posters"), roles=("operator", "registrar")),
        "tell": Can(gettext_noop("Write down routes told in interviews and link phones"), roles=("tracer",)),
        "import": Can(gettext_noop("Import visits from files"), roles=("operator", "partner")),
    },
)
