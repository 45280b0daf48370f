"""People: who somebody is, kept in one place, encrypted, and never seen without a trace.

Names leave this module one reader at a time: there is an import and, on purpose, no export.
"""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.imports import Importer
from epipolis.core.modules import Can, Job, Keep, Module, Page, Task, Tile

from . import queries, services
from .settings import settings

MODULE = Module(
    title=gettext_noop("People"),
    icon="users",
    api="api.router",
    menu=(
        Page(gettext_noop("Find a person"), url="people:search", needs="people.view_names", icon="user-search"),
        Page(gettext_noop("Is this the same person?"), url="people:questions", needs="people.merge", icon="users-group"),
        Page(gettext_noop("Register a person"), url="people:register", needs="people.register", icon="user-plus"),
    ),
    tiles=(
        Tile(
            gettext_noop("Records that may be one person"),
            queries.count_open_questions,
            needs="people.merge",
            definition=gettext_noop("Pairs of records too much alike to be left apart and too little to be linked at once."),
            source=gettext_noop("The records of people, compared by the rules in force."),
            url="people:questions",
            order=35,
        ),
    ),
    jobs=(
        Job(services.make_missing_keys, every=timedelta(minutes=10)),
        Job(services.look_by_night, every=timedelta(days=1)),
    ),
    tasks=(
        Task(
            services.TASK,
            gettext_noop("Look for doubles among everybody"),
            services.look_for_doubles,
            needs="people.merge",
        ),
    ),
    keeps=(
        Keep(
            "people.return_codes",
            lambda: settings.code_kept_days,
            services.forget_return_codes,
            gettext_noop("An expired code opens nothing; it is kept for a while to explain that to its holder."),
        ),
    ),
    importers=(
        Importer("people", gettext_noop("People"), services.import_people, "people.import", fields=services.IMPORT_FIELDS),
    ),
    permissions={
        "view_names": Can(
            gettext_noop("See names and how to reach people; each look is logged"), roles=("tracer", "registrar")
        ),
        "register": Can(gettext_noop("Register people and correct their records"), roles=("registrar", "tracer")),
        "merge": Can(
            gettext_noop("Say whether two records are one person, merge them and take them apart"),
            roles=("registrar", "tracer"),
        ),
        "erase": Can(gettext_noop("Erase who somebody is, for good"), roles=("registrar",)),
        "import": Can(gettext_noop("Import people from a table"), roles=("registrar", "operator")),
    },
)
