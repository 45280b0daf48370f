"""Cases: the line list of an epidemic, with every belief about a case kept as it was."""

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Module, Page, Tile

from . import queries, services

_TERMS = gettext_noop("For the work against this epidemic only. It holds no names, but a row may still point at a person.")

MODULE = Module(
    title=gettext_noop("Cases"),
    icon="virus",
    api="api.router",
    menu=(
        Page(gettext_noop("Line list"), url="cases:cases", needs="cases.view"),
        Page(gettext_noop("Report a case"), url="cases:report", needs="cases.report", icon="file-plus"),
    ),
    tiles=(
        Tile(
            gettext_noop("Cases waiting for confirmation"),
            queries.count_waiting,
            needs="cases.view",
            definition=gettext_noop("Suspected and probable cases that have neither recovered nor died."),
            source=gettext_noop("The line list."),
            url="cases:cases",
            order=30,
        ),
    ),
    importers=(
        Importer(
            "cases",
            gettext_noop("Line list"),
            services.import_cases,
            needs="cases.import",
            fields=services.FIELDS,
            mappings=tuple(services.ready()),
        ),
    ),
    exporters=(Exporter("cases", gettext_noop("Line list"), queries.COLUMNS, queries.all_rows, "cases.export", _TERMS),),
    permissions={
        "view": Can(
            gettext_noop("See the line list and its cases"), roles=("tracer", "epidemiologist", "commander", "registrar")
        ),
        "report": Can(gettext_noop("Report a new case"), roles=("tracer", "registrar", "partner")),
        "confirm": Can(gettext_noop("Confirm a case"), roles=("tracer", "registrar")),
        "revise": Can(gettext_noop("Change what is believed about a case"), roles=("tracer", "registrar")),
        "import": Can(gettext_noop("Import line lists"), roles=("registrar", "operator", "epidemiologist")),
        "export": Can(gettext_noop("Export the line list"), roles=("epidemiologist", "registrar")),
    },
)
