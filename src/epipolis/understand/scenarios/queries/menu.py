"""The menu of measures: what each field means to an officer, in which unit it is asked, and what it is to begin with."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

Text = Any  # a text that is translated when it is shown

LAYERS = (
    ("household", _("at home")),
    ("class", _("school classes")),
    ("team", _("teams at work")),
    ("place", _("shops, restaurants and other venues")),
    ("transit", _("buses and trains")),
    ("care", _("care homes")),
    ("passing", _("people met by chance")),
)
TRACED_LAYERS = ("household", "class", "team", "place", "passing")
PLACES = (
    ("bar", _("bars")),
    ("restaurant", _("restaurants")),
    ("cinema", _("cinemas and theatres")),
    ("gym", _("gyms")),
    ("shop", _("shops")),
    ("market", _("markets")),
    ("worship", _("places of worship")),
    ("library", _("libraries")),
)
GROUPS = (
    ("80+", _("80 years and older")),
    ("60-79", _("60 to 79 years")),
    ("40-59", _("40 to 59 years")),
    ("18-39", _("18 to 39 years")),
    ("0-17", _("under 18 years")),
    ("care", _("people in care homes")),
    ("staff", _("staff of hospitals and care homes")),
    ("rest", _("everybody else")),
)
AGES = (("0-17", _("under 18 years")), ("18-64", _("18 to 64 years")), ("65+", _("65 years and older")))
MODES = (("closed", _("closed")), ("half_classes", _("half classes, every other day")))
TRIGGERS = (
    ("cases", _("confirmed cases of 7 days per 100,000")),
    ("infections", _("infections of 7 days per 100,000 (known only in a simulation)")),
    ("deaths", _("deaths of 7 days per 100,000")),
    ("in_ward", _("people in hospital per 100,000")),
    ("in_icu", _("people in intensive care per 100,000")),
)


@dataclass(frozen=True)
class Ask:
    """One field of a measure. `kind`: percent (kept as a share), number, whole, many, one, shares or vaccine."""

    name: str
    label: Text
    kind: str
    default: Any
    unit: Text = ""
    help: Text = ""
    low: float = 0
    high: float = 100
    choices: tuple[tuple[str, Text], ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of measure: its title, what it does, and what is asked of it."""

    name: str
    title: Text
    text: Text
    icon: str
    asks: tuple[Ask, ...] = ()
    unit: Text = ""  # what one unit of cost is

    def defaults(self) -> dict[str, Any]:
        return {"kind": self.name, **{ask.name: ask.default for ask in self.asks}}


_PERCENT, _DAYS, _PER_DAY = "%", _("days"), _("per day and 100,000 people")
MENU: tuple[Kind, ...] = (
    Kind(
        "testing",
        _("Testing"),
        _("Who is tested, how soon, and how good the tests are."),
        "test-pipe",
        (
            Ask("symptomatic", _("Ill people who are tested"), "percent", 0.6, _PERCENT),
            Ask("contacts", _("Traced contacts who are tested"), "percent", 0.8, _PERCENT),
            Ask("screening", _("Everybody else, each day"), "percent", 0.0, _PERCENT, _("Without a reason.")),
            Ask(
                "capacity_per_100k", _("Tests that can be done"), "number", None, _PER_DAY, _("Empty: no limit."),
                high=100_000, optional=True,
            ),
            Ask("days_to_sample", _("From illness to sample"), "number", 1.0, _DAYS, high=30),
            Ask("days_to_result", _("From sample to result"), "number", 1.0, _DAYS, high=30),
            Ask("sensitivity", _("Infections that a test finds on its best day"), "percent", 0.9, _PERCENT),
        ),
        _("test"),
    ),
    Kind(
        "isolate_cases",
        _("Isolate cases"),
        _("Who is confirmed stays at home."),
        "home-cancel",
        (Ask("days", _("For"), "whole", 10, _DAYS, low=1, high=60),),
    ),
    Kind(
        "quarantine_households",
        _("Quarantine of households"),
        _("Who lives with a confirmed case stays at home."),
        "home-shield",
        (Ask("days", _("For"), "whole", 14, _DAYS, low=1, high=60),),
    ),
    Kind(
        "trace_contacts",
        _("Trace contacts"),
        _("Tracers ask each confirmed case whom they met, and send these into quarantine."),
        "affiliate",
        (
            Ask(
                "layers",
                _("Contacts that are found"),
                "shares",
                {"household": 1.0, "class": 0.9, "team": 0.8, "place": 0.5, "passing": 0.0},
                _PERCENT,
                _("By where they met."),
                choices=tuple(layer for layer in LAYERS if layer[0] in TRACED_LAYERS),
            ),
            Ask("days_back", _("Asked back before the illness"), "whole", 4, _DAYS, high=21),
            Ask("delay_days", _("From result to call"), "number", 1.0, _DAYS, high=14),
            Ask("quarantine_days", _("Quarantine"), "whole", 14, _DAYS, low=1, high=60),
            Ask(
                "capacity_per_100k", _("Cases that can be traced"), "number", None, _PER_DAY, _("Empty: all."),
                high=100_000, optional=True,
            ),
        ),
        _("contact"),
    ),
    Kind(
        "trace_by_bluetooth",
        _("Trace by telephones"),
        _("Telephones remember each other and warn those who were near a case."),
        "bluetooth",
        (
            Ask("uptake", _("People with the app"), "percent", 0.4, _PERCENT),
            Ask("minutes", _("Closeness that counts"), "whole", 15, _("minutes"), low=1, high=240),
            Ask("quarantine_days", _("Quarantine"), "whole", 10, _DAYS, low=1, high=60),
            Ask("follows", _("Warned people who stay at home"), "percent", 0.7, _PERCENT),
        ),
        _("warning"),
    ),
    Kind(
        "check_fence",
        _("Check who must stay at home"),
        _("Those told to stay at home are checked by their position."),
        "map-pin-check",
        (Ask("raises_compliance_to", _("At least so many stay"), "percent", 0.95, _PERCENT),),
    ),
    Kind(
        "masks",
        _("Masks"),
        _("Transmission falls where masks are worn."),
        "mask",
        (
            Ask("effect", _("Transmission falls by"), "percent", 0.5, _PERCENT, _("Between two people who both wear one.")),
            Ask("layers", _("Worn in"), "many", ("class", "team", "place", "transit", "care"), choices=LAYERS),
            Ask(
                "supply_per_person_week", _("Masks to be had"), "number", None, _("per person and week"), _("Empty: enough."),
                high=100, optional=True,
            ),
        ),
        _("mask"),
    ),
    Kind(
        "close_places",
        _("Close places"),
        _("Places of the chosen kinds stay shut."),
        "door",
        (Ask("places", _("Which"), "many", ("bar",), choices=PLACES),),
    ),
    Kind(
        "limit_capacity",
        _("Limit the number of guests"),
        _("Places of the chosen kinds let in fewer guests."),
        "users-minus",
        (
            Ask("places", _("Which"), "many", ("restaurant",), choices=PLACES),
            Ask("share", _("Guests let in"), "percent", 0.5, _("% of the usual")),
        ),
    ),
    Kind(
        "curfew",
        _("Curfew"),
        _("Nobody goes out from this hour until the morning."),
        "moon",
        (Ask("from_hour", _("From"), "number", 21, _("o’clock"), low=12, high=24),),
    ),
    Kind(
        "schools",
        _("Schools"),
        _("Schools are closed, or classes are halved."),
        "school",
        (Ask("mode", _("How"), "one", "closed", choices=MODES),),
    ),
    Kind(
        "limit_travel",
        _("Limit travel"),
        _("Trips outside the own district are not made."),
        "road-off",
        (Ask("share", _("Trips that are not made"), "percent", 0.5, _PERCENT),),
    ),
    Kind(
        "fewer_outings",
        _("Fewer outings"),
        _("People go out less in their free time."),
        "home-down",
        (Ask("share", _("Outings that are not made"), "percent", 0.3, _PERCENT),),
    ),
    Kind(
        "work_from_home",
        _("Work from home"),
        _("Those who work at a desk stay at home."),
        "device-laptop",
        (Ask("share", _("Desk workers at home"), "percent", 0.4, _PERCENT),),
    ),
    Kind(
        "vaccinate",
        _("Vaccinate"),
        _("Doses are given day by day, one group after the other."),
        "vaccine",
        (
            Ask("vaccine", _("Vaccine"), "vaccine", ""),
            Ask("per_day", _("Doses"), "whole", 500, _("per day in the whole city"), low=1, high=1_000_000),
            Ask(
                "priority", _("Order"), "order", ("80+", "care", "60-79", "staff", "rest"),
                help=_("First to last, with commas: %(groups)s."), choices=GROUPS,
            ),
            Ask("acceptance", _("People who take it"), "percent", 0.8, _PERCENT),
        ),
        _("dose"),
    ),
    Kind(
        "reduce_imports",
        _("Fewer infections from outside"),
        _("Entry checks keep infections out."),
        "plane-arrival",
        (Ask("share", _("Infections kept out"), "percent", 0.5, _PERCENT),),
    ),
)  # fmt: skip
KINDS = {kind.name: kind for kind in MENU}
