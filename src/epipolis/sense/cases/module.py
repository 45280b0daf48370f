"""Cases: the line list of an epidemic, with every belief about a case kept as it was."""

from django.utils.translation import gettext_noop

from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Module, Page, Task, Tile
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged

from . import queries, services

_TERMS = gettext_noop("For the work against this epidemic only. It holds no names, but a row may still point at a person.")

MODULE = Module(
    title=gettext_noop("Cases"),
    icon="virus",
    api="api.router",
    menu=(
        Page(gettext_noop("Line list"), url="cases:cases", needs="cases.view"),
        Page(gettext_noop("Report a case"), url="cases:report", needs="cases.report", icon="file-plus"),
        Page(gettext_noop("Same illness?"), url="cases:duplicates", needs="cases.revise", icon="copy"),
        Page(gettext_noop("Case definitions"), url="cases:definitions", needs="cases.view", icon="list-check"),
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
        Tile(
            gettext_noop("Cases classified against the rules"),
            queries.count_conflicts,
            needs="cases.view",
            definition=gettext_noop("Cases that a person or a source classified in another way than the definition in force."),
            source=gettext_noop("The line list."),
            url="cases:cases",
            order=32,
        ),
        Tile(
            gettext_noop("Cases that may be one illness"),
            queries.count_duplicate_questions,
            needs="cases.revise",
            definition=gettext_noop("Pairs of cases of one person, close in time, about which nobody has decided yet."),
            source=gettext_noop("The line list, after people were found to be one."),
            url="cases:duplicates",
            order=33,
        ),
    ),
    tasks=(
        Task(services.TRY_TASK, gettext_noop("Try a case definition"), services.try_definition, needs="cases.replay"),
        Task(services.APPLY_TASK, gettext_noop("Apply a case definition"), services.apply_definition, needs="cases.apply"),
    ),
    listens={
        PeopleMerged: (services.on_people_merged,),
        PeopleUnmerged: (services.on_people_unmerged,),
    },
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
        "note_tests": Can(gettext_noop("Write down laboratory findings of a case"), roles=("tracer", "registrar", "partner")),
        "classify": Can(
            gettext_noop("Classify a case against the rules, for a reason"), roles=("tracer", "registrar", "epidemiologist")
        ),
        "replay": Can(
            gettext_noop("Try a case definition on all cases and see what it would change"),
            roles=("epidemiologist", "registrar"),
        ),
        "apply": Can(gettext_noop("Put a case definition in force for all cases"), roles=("epidemiologist",)),
        "revise": Can(gettext_noop("Change what is believed about a case"), roles=("tracer", "registrar")),
        "import": Can(gettext_noop("Import line lists"), roles=("registrar", "operator", "epidemiologist")),
        "export": Can(gettext_noop("Export the line list"), roles=("epidemiologist", "registrar")),
    },
)
