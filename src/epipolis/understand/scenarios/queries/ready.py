"""Ready scenarios to begin from: what a city usually asks first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from epipolis.understand.scenarios.queries.contents import Content, empty_content, people_of, vaccines_of
from epipolis.understand.scenarios.queries.menu import KINDS, Text
from epipolis.understand.scenarios.queries.prices import example_prices


@dataclass(frozen=True)
class Ready:
    """A named beginning: which measures, with which values other than usual."""

    name: str
    title: Text
    text: Text
    measures: tuple[tuple[str, Mapping[str, Any]], ...] = ()


READY = (
    Ready("as_is", _("As is"), _("No measures: what happens if nothing is done.")),
    Ready(
        "masks_tracing",
        _("Masks + tracing"),
        _("The ill are tested and isolated, their contacts traced, masks worn outside homes."),
        (
            ("testing", {}),
            ("isolate_cases", {"compliance": 0.9}),
            ("quarantine_households", {"compliance": 0.8}),
            ("trace_contacts", {"compliance": 0.8, "days_back": 2, "capacity_per_100k": 20.0}),
            ("masks", {"compliance": 0.8}),
        ),
    ),
    Ready(
        "close_schools",
        _("Close schools"),
        _("Schools are closed for eight weeks, and confirmed cases stay at home."),
        (("testing", {}), ("isolate_cases", {"compliance": 0.9}), ("schools", {"first_day": 14, "last_day": 69})),
    ),
    Ready(
        "test_more",
        _("Test more"),
        _("Nearly everybody who is ill is tested within a day, and one in a hundred of the others each day."),
        (
            ("testing", {"symptomatic": 0.9, "contacts": 1.0, "screening": 0.01, "days_to_result": 0.5}),
            ("isolate_cases", {"compliance": 0.9}),
            ("trace_contacts", {"compliance": 0.8}),
        ),
    ),
    Ready(
        "curfew",
        _("Curfew"),
        _("Nobody goes out after nine in the evening while many are ill."),
        (
            ("testing", {}),
            ("isolate_cases", {"compliance": 0.9}),
            ("curfew", {"compliance": 0.8, "trigger": {"what": "cases", "above": 50.0, "below": 20.0, "for_days": 3}}),
        ),
    ),
    Ready(
        "vaccinate_old",
        _("Vaccinate the old first"),
        _("Doses for one in two hundred people a day, the oldest and those who care for them first."),
        (("testing", {}), ("isolate_cases", {"compliance": 0.9}), ("vaccinate", {})),
    ),
)
BY_NAME = {ready.name: ready for ready in READY}


def ready_content(name: str, *, disease: str, start: date) -> Content:
    """The content of a ready scenario.

    Raises:
        KeyError: there is none of this name.
    """
    content = empty_content(disease, start)
    content["measures"] = [new_measure(kind, content, **values) for kind, values in BY_NAME[name].measures]
    return content


def new_measure(kind: str, content: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """A measure as the menu begins it, for this disease and this many people, at example prices.

    Raises:
        KeyError: there is no such kind.
    """
    entry = {name: list(value) if isinstance(value, tuple) else value for name, value in KINDS[kind].defaults().items()}
    if kind == "vaccinate":
        entry |= {"vaccine": next(iter(vaccines_of(content["disease"])), ""), "per_day": max(1, people_of(content) // 200)}
    return entry | example_prices(kind) | values
