"""The city: its districts, neighbourhoods and places, and how many people live where."""

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Loader, Module, Page

from . import queries, services

_STAFF = ("tracer", "epidemiologist", "commander", "registrar", "operator", "auditor")
_OPEN = gettext_noop("Free to use; it holds nothing about people.")

MODULE = Module(
    title=gettext_noop("City"),
    icon="map",
    api="api.router",
    menu=(
        Page(gettext_noop("City"), url="city:overview", needs="city.view"),
        Page(gettext_noop("Places"), url="city:places", needs="city.view", icon="building-store"),
    ),
    layers=queries.LAYERS,
    loaders=(
        Loader("city", gettext_noop("Areas, people counts and places from a folder"), services.load_city),
        Loader("rules", gettext_noop("A rule pack of this city from a YAML file"), services.load_rule_file),
    ),
    importers=(Importer("places", gettext_noop("Places"), services.import_places, "city.load", fields=services.PLACE_FIELDS),),
    exporters=(
        Exporter("places", gettext_noop("Places"), queries.PLACE_COLUMNS, queries.place_rows, "city.view", _OPEN),
        Exporter("districts", gettext_noop("Districts"), queries.DISTRICT_COLUMNS, queries.district_rows, "city.view", _OPEN),
    ),
    permissions={
        "view": Can(gettext_noop("See the city's areas and places"), roles=_STAFF),
        "load": Can(gettext_noop("Load areas, people counts and places"), roles=("operator",)),
    },
)
