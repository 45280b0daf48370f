"""Declarations: how people say they are, in two minutes and without an account, for purposes that they choose."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core.modules import Can, Keep, Module, Page, Tile

from . import queries, services
from .settings import settings


def declared_today(at: datetime) -> dict[str, Any]:
    counts = queries.count_today(at)
    return {"value": counts["declared"], "note": _("%(ill)d of them ill") % counts}


MODULE = Module(
    title=gettext_noop("Declarations"),
    icon="clipboard-heart",
    api="api.router",
    menu=(
        Page(gettext_noop("Health declarations"), url="declarations:overview", needs="declarations.view"),
        Page(
            gettext_noop("Enter a caller's declaration"),
            url="declarations:by_phone",
            needs="declarations.enter",
            icon="phone-incoming",
        ),
    ),
    tiles=(
        Tile(
            gettext_noop("Declared today"),
            declared_today,
            needs="declarations.view",
            definition=gettext_noop("People who declared how they are today; ill: at least one symptom."),
            source=gettext_noop("Declarations on the web, by text message, by telephone and at counters."),
            url="declarations:overview",
            topics=("declarations",),
            order=65,
        ),
    ),
    keeps=(
        Keep(
            "declarations",
            lambda: settings.keep_days,
            services.forget_old,
            gettext_noop("A declaration says how somebody is now; after that it serves nobody."),
        ),
    ),
    permissions={
        "view": Can(
            gettext_noop("See how many declared to be ill"), roles=("epidemiologist", "commander", "tracer", "registrar")
        ),
        "enter": Can(gettext_noop("Enter declarations of people who call"), roles=("tracer", "registrar")),
        "send": Can(gettext_noop("Send declarations as a device or text-message gateway"), roles=("partner", "kiosk")),
        "care": Can(gettext_noop("See who asked for care"), roles=("tracer",)),
        "tracing": Can(gettext_noop("See declarations given for tracing"), roles=("tracer",)),
        "aid": Can(gettext_noop("See which households need help"), roles=("registrar",)),
        "permit": Can(gettext_noop("See who may show to be well"), roles=("registrar",)),
    },
)
