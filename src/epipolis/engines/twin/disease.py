"""A disease as data: how it passes on, how long its stages take, how hard it strikes, and what protects from it."""

from dataclasses import dataclass, replace
from importlib.resources import files
from math import exp, log, log1p, sqrt
from typing import Literal, NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode

from epipolis.engines.twin.declaration_files import complaint, entries_of, open_text, read_record
from epipolis.engines.twin.declarations import Amount, Count, Day, Positive, Share, Signed, Whole, check_fields, refuse

AGE_GROUPS = 10
Amounts = tuple[Amount, Amount, Amount, Amount, Amount, Amount, Amount, Amount, Amount, Amount]
"""One figure for each age group 0-9, 10-19, ... 80-89 and 90 or over."""
Shares = tuple[Share, Share, Share, Share, Share, Share, Share, Share, Share, Share]
"""The same, with shares between 0 and 1."""


@dataclass(frozen=True)
class Duration:
    """A span in days, lognormal; `mean` and `spread` (standard deviation) are those of the span, not of its logarithm."""

    mean: Positive
    spread: Amount

    @property
    def log_spread(self) -> float:
        """Standard deviation of the logarithm."""
        return sqrt(log1p((self.spread / self.mean) ** 2))

    @property
    def log_mean(self) -> float:
        """Mean of the logarithm."""
        return log(self.mean) - self.log_spread**2 / 2

    @property
    def median(self) -> float:
        """Days within which half of all spans end."""
        return exp(self.log_mean)


@dataclass(frozen=True)
class ViralLoad:
    """Infectiousness in two steps, high first and then low, with a mean of 1 over the infectious time.

    `high_share`: share of the infectious time at the high step, at most `longest` days.
    `ratio`: the high step divided by the low one.
    """

    high_share: Share
    ratio: Positive
    longest: Positive


class Season(NamedTuple):
    """Transmission times 1 + amplitude * cos(2 pi (day - peak_day_of_year) / 365.25); an amplitude of 0 is no season."""

    amplitude: Share = 0.0
    peak_day_of_year: Signed = 15.0


NO_SEASON = Season()


@dataclass(frozen=True)
class Immunity:
    """`after_infection`: protection from a new infection right after recovery, 0 to 1.

    `half_life_days`: days in which it falls by half; None: it stays for life.
    `sure_days`: days after recovery within which nobody is infected again by the same variant.
    """

    after_infection: Share = 1.0
    half_life_days: Positive | None = None
    sure_days: Amount = 0.0


@dataclass(frozen=True)
class Vaccine:
    """One vaccine: `doses` a person, `interval_days` apart, protecting `days_to_protect` after the last of them.

    `against_infection`, `against_severe`: shares of infections, and of the severe courses among those infected all the
    same, that it prevents. `half_life_days`: days in which the first falls by half; None: it stays.
    """

    name: str
    doses: Count
    interval_days: Amount
    days_to_protect: Amount
    against_infection: Share
    against_severe: Share
    half_life_days: Positive | None = None


@dataclass(frozen=True)
class Variant:
    """A form of the disease that comes later.

    `transmissibility`, `severity`: times the disease's own. `escape`: share of the protection by earlier infection or
    vaccine that it evades, 0 to 1. `arrives_day`: day of the run on which `introduced_per_100k` people bring it in.
    """

    name: str
    transmissibility: Positive
    severity: Amount
    escape: Share
    arrives_day: Day
    introduced_per_100k: Amount


@dataclass(frozen=True, kw_only=True)
class Disease:
    """Everything the simulation knows of a disease. Shares lie between 0 and 1; every time is in days.

    `source`: where each figure comes from, one line a field.
    `transmissibility`: hazard of infection for each hour of undivided close contact with a person of average
    infectiousness, were all of the infectiousness spent in one day (with `viral_load`: on each infectious day).
    `contagion`: "hazard": the chance of a day's contact is 1 - exp(-h); "chance": it is h itself, at most 1.

    Either infectiousness by day of onset:
    `infectiousness`: share of it that falls on each day from `first_infectious_day` on, counted from onset; sums to 1.
    `incubation`: infection to onset. People without symptoms count from the day on which they would have had them.
    Or in stages:
    `viral_load` over the infectious time; `latent`: infection to infectious; `presymptomatic`: infectious to onset.

    `dispersion`: shape k of the gamma distribution (mean 1) of personal infectiousness; small means superspreading.
    `asymptomatic_infectiousness`: relative to a person with symptoms.
    The durations run from onset (or the first infectious day, without symptoms) to recovery, from onset to severe, and
    from there on by stage. Severe: needs a bed in a ward; critical: needs intensive care.
    `susceptibility`: relative, by age. `symptomatic`, `severe`, `critical`, `dies`: shares of all infections, by age.
    `isolates_when_ill`: share of the ill who stay at home by themselves from onset on.
    `introduced_per_100k`, `imported_per_100k_daily`: infections brought in during the week before the first day and on
    each day after, for each 100,000 people.
    """

    name: str
    source: str = ""
    transmissibility: Positive
    contagion: Literal["hazard", "chance"] = "hazard"
    infectiousness: tuple[Share, ...] = ()
    first_infectious_day: Whole = 0
    incubation: Duration | None = None
    viral_load: ViralLoad | None = None
    latent: Duration | None = None
    presymptomatic: Duration | None = None
    dispersion: Positive
    asymptomatic_infectiousness: Amount
    asymptomatic_to_recovered: Duration
    mild_to_recovered: Duration
    onset_to_severe: Duration
    severe_to_critical: Duration
    severe_to_recovered: Duration
    critical_to_recovered: Duration
    critical_to_death: Duration
    susceptibility: Amounts
    symptomatic: Shares
    severe: Shares
    critical: Shares
    dies: Shares
    isolates_when_ill: Share = 0.0
    season: Season = NO_SEASON
    immunity: Immunity = Immunity()
    vaccines: tuple[Vaccine, ...] = ()
    variants: tuple[Variant, ...] = ()
    introduced_per_100k: Amount = 45.0
    imported_per_100k_daily: Amount = 1.0

    def __post_init__(self) -> None:
        owner = self.name or "disease"
        check_fields(owner, self)
        _check_infectiousness(self)
        for milder, worse in (("symptomatic", "severe"), ("severe", "critical"), ("critical", "dies")):
            for group in range(AGE_GROUPS):
                most, share = getattr(self, milder)[group], getattr(self, worse)[group]
                if share > most:
                    ages = f"{10 * group}-{10 * group + 9}" if group < AGE_GROUPS - 1 else f"{10 * group}+"
                    raise refuse(owner, f"{worse} at ages {ages}", share, f"be at most {milder}, which is {most!r}")
        for field_name, names in (("vaccines", self.vaccine_names), ("variants", tuple(item.name for item in self.variants))):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise refuse(owner, field_name, twice[0], "stand there only once")

    @property
    def vaccine_names(self) -> tuple[str, ...]:
        return tuple(vaccine.name for vaccine in self.vaccines)


def _check_infectiousness(disease: Disease) -> None:
    owner, total = disease.name, sum(disease.infectiousness)
    if bool(disease.infectiousness) == bool(disease.viral_load):
        found = "both" if disease.viral_load else "neither"
        raise refuse(owner, "infectiousness and viral_load", found, "be given one without the other")
    stages = ("latent", "presymptomatic") if disease.viral_load else ("incubation",)
    for name in stages:
        if getattr(disease, name) is None:
            raise refuse(owner, name, None, f"be given with {'viral_load' if disease.viral_load else 'infectiousness'}")
    if disease.infectiousness and abs(total - 1) > 0.01:
        raise refuse(owner, "infectiousness", round(total, 4), "sum to 1 over its days (to 0.01)")


def diseases() -> list[str]:
    """Names of the diseases that come with the twin, for `load_disease`."""
    folder = files("epipolis.engines.twin") / "diseases"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def load_disease(name: str) -> Disease:
    """One of `diseases()`; ValueError with the list of them for any other name."""
    return read_disease(_text_of(name))


def load_variant(name: str, *, arrives_day: int, introduced_per_100k: float = 2.0) -> Variant:
    """A disease that is also a later form of another (`as_variant` in its file), to add to that one's `variants`.

    ValueError if it is none.
    """
    root = open_text(_text_of(name))
    entries = {} if root is None else entries_of(root, name)
    if "as_variant" not in entries:
        raise ValueError(f"{name} is no variant of another disease.")
    figures = entries_of(entries["as_variant"][1], f"{name}: as_variant")
    severity, escape = (float(figures[key][1].value) for key in ("severity", "escape"))
    earlier = load_disease(figures["of"][1].value)
    return Variant(
        name=name,
        transmissibility=load_disease(name).transmissibility / earlier.transmissibility,
        severity=severity,
        escape=escape,
        arrives_day=arrives_day,
        introduced_per_100k=introduced_per_100k,
    )


def _text_of(name: str) -> str:
    if name not in diseases():
        raise ValueError(f"No disease is called {name!r}; choose from {', '.join(diseases())}.")
    return (files("epipolis.engines.twin") / "diseases" / f"{name}.yaml").read_text(encoding="utf-8")


def read_disease(text: str) -> Disease:
    """A disease from YAML: its fields, and `sources` with a line for each of them, which become `source`.

    ValueError with line and sentence on unknown names, wrong kinds, missing fields and figures out of range.
    """
    root = open_text(text)
    if root is None:
        raise ValueError("The text of the disease is empty.")
    entries = entries_of(root, "disease")
    name = str(entries["name"][1].value) if "name" in entries else "disease"
    sources = entries_of(entries["sources"][1], f"{name}: sources") if "sources" in entries else {}
    lines = [f"{field}: {_line_of(value, name, field)}" for field, (_, value) in sources.items()]
    own = [entry for key, entry in entries.items() if key not in ("sources", "as_variant")]
    rest = MappingNode(root.tag, own, root.start_mark, root.end_mark)
    disease = read_record(rest, Disease, name)
    return disease if disease.source else replace(disease, source="\n".join(lines))


def _line_of(node: Node, name: str, field: str) -> str:
    if not isinstance(node, ScalarNode):
        raise complaint(node, f"{name}: the source of {field} must be a text.")
    return " ".join(node.value.split())
