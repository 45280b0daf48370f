"""What the rules in force want watched, by which method, and what in them cannot be done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core import rules
from epipolis.core.rules import RulePack
from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.settings import settings

WATCHES, LEVELS = "signal_watches", "incidence_levels"
METHODS = ("regression", "cusum", "ears")
TOGETHER = ("series", "all")
MOST_RATE = 100.0
Problem = dict[str, Any]


@dataclass(frozen=True)
class Watch:
    """One series under one method. `rate`: false alarms a year for each place, or for all places together."""

    series: str
    method: str
    rate: float
    together: str
    fewest: float
    rule: str

    def stated(self, places: int, step: int) -> float:
        """How many false alarms the stated rate gives for one day or week of so many places."""
        return self.rate * (places if self.together == "series" else 1) * step / 365.25


@dataclass(frozen=True)
class LevelRule:
    """Incidence limits: cases per 100,000 people and week, mean of `window_days`."""

    window_days: int
    levels: tuple[float, ...]
    fewest: float
    rule: str


@dataclass(frozen=True)
class SpotRule:
    """The search for hot spots; told are those that chance gives less than once in `recurrence_days`."""

    series: str
    history_days: int
    longest_days: int
    share: float
    recurrence_days: float
    fewest: float
    rule: str


@dataclass
class Wanted:
    """Everything that the rules want, and what of it cannot be done."""

    watches: list[Watch] = field(default_factory=list)
    levels: LevelRule | None = None
    spots: SpotRule | None = None
    problems: list[Problem] = field(default_factory=list)
    packs: list[RulePack] = field(default_factory=list)


def wanted_on(day: date, counts: Iterable[str] = ()) -> Wanted:
    """What is to be watched on a day; `counts` names the uploaded series of counts. Bad parts are told, never raised."""
    found, uploaded = Wanted(), sorted(counts)
    pack = _pack(WATCHES, day, found)
    if pack is None:
        found.problems.append(problem("", gettext_noop("No rules say what is to be watched on this day.")))
    else:
        _read_watches(pack, uploaded, found)
        _read_spots(pack, uploaded, found)
    levels = _pack(LEVELS, day, found)
    if levels is not None:
        _read_levels(levels, found)
    return found


def problem(part: str, text: str, **values: Any) -> Problem:
    """One thing that could not be done, in a sentence that can be translated when it is read."""
    return {"part": part, "text": text, "values": values}


def told(one: Mapping[str, Any]) -> str:
    """A stored problem in the reader's language."""
    text = _(str(one.get("text", ""))) if one.get("text") else ""
    values = one.get("values") or {}
    return text % values if values else text


def _pack(name: str, day: date, found: Wanted) -> RulePack | None:
    try:
        pack = rules.in_force(name, day)
    except LookupError:
        return None
    found.packs.append(pack)
    return pack


def _read_watches(pack: RulePack, uploaded: list[str], found: Wanted) -> None:
    listed = pack.content.get("watches") or []
    entries = list(listed) if isinstance(listed, list) else [listed]
    named = {one.get("series") for one in entries if isinstance(one, Mapping)}
    others = pack.content.get("uploaded")
    if isinstance(others, Mapping):
        entries += [{**others, "series": name} for name in uploaded if name not in named]
    taken: set[tuple[str, str]] = set()
    for number, entry in enumerate(entries, start=1):
        watch = _watch(entry, number, uploaded, pack, found)
        if watch and (watch.series, watch.method) not in taken:
            taken.add((watch.series, watch.method))
            found.watches.append(watch)


def _watch(entry: Any, number: int, uploaded: list[str], pack: RulePack, found: Wanted) -> Watch | None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("series"), str):
        found.problems.append(
            problem(f"{number}", gettext_noop("Watch %(number)d of the rules names no series."), number=number)
        )
        return None
    series, method, together = entry["series"], entry.get("method", "regression"), entry.get("together", "series")
    rate: Any = entry.get("false_alarms_per_year")
    fewest: Any = entry.get("fewest", 3)
    told = None
    if series not in forecast.COUNTED and series not in uploaded:
        told = problem(series, gettext_noop("The rules watch “%(series)s”, but there is no such series."), series=series)
    elif method not in METHODS:
        text = gettext_noop("There is no method “%(method)s”; there are %(methods)s.")
        told = problem(series, text, method=str(method), methods=", ".join(METHODS))
    elif not _is_number(rate) or not 0 < rate <= MOST_RATE:
        text = gettext_noop(
            "The rules state %(rate)s false alarms a year, but the rate must lie above 0 and be at most %(most)d."
        )
        told = problem(series, text, rate=str(rate), most=int(MOST_RATE))
    elif together not in TOGETHER:
        text = gettext_noop("“together” is %(given)s in the rules, but must be one of %(allowed)s.")
        told = problem(series, text, given=str(together), allowed=", ".join(TOGETHER))
    elif not _is_number(fewest) or fewest < 0:
        told = problem(
            series, gettext_noop("“%(name)s” is no number that can be used: %(given)s."), name="fewest", given=str(fewest)
        )
    if told:
        found.problems.append(told)
        return None
    return Watch(series, method, float(rate), together, float(fewest), pack.reference)


def _read_spots(pack: RulePack, uploaded: list[str], found: Wanted) -> None:
    entry = pack.content.get("hot_spots")
    if not entry:
        return
    limits = {
        "history_days": (14, 730),
        "longest_days": (1, 90),
        "share": (0.01, 1.0),
        "recurrence_days": (2, settings.draws + 1),
        "fewest_cases": (0, 1_000_000),
    }
    entry = {"fewest_cases": 5, **entry} if isinstance(entry, Mapping) else {}
    values: dict[str, Any] = {name: entry.get(name) for name in limits}
    for name, (low, high) in limits.items():
        if not _is_number(values[name]) or not low <= values[name] <= high:
            text = gettext_noop("Hot spots: “%(name)s” is %(given)s in the rules, but must lie between %(low)s and %(high)s.")
            found.problems.append(problem("", text, name=name, given=str(values[name]), low=str(low), high=str(high)))
            return
    series = str(entry.get("series", forecast.CASES))
    if series not in forecast.COUNTED and series not in uploaded:
        text = gettext_noop("The rules watch “%(series)s”, but there is no such series.")
        found.problems.append(problem(series, text, series=series))
        return
    found.spots = SpotRule(
        series, int(values["history_days"]), int(values["longest_days"]), float(values["share"]),
        float(values["recurrence_days"]), float(values["fewest_cases"]), pack.reference,
    )  # fmt: skip


def _read_levels(pack: RulePack, found: Wanted) -> None:
    window: Any = pack.content.get("window_days")
    levels: Any = pack.content.get("levels_per_100k_a_week")
    fewest: Any = pack.content.get("fewest_cases")
    fits = _is_number(window) and 1 <= window <= 60 and isinstance(levels, list) and levels
    fits = fits and all(_is_number(level) and level > 0 for level in levels) and (fewest is None or _is_number(fewest))
    if not fits:
        text = gettext_noop("The incidence limits of %(rule)s cannot be read.")
        found.problems.append(problem(forecast.CASES, text, rule=pack.reference))
        return
    found.levels = LevelRule(int(window), tuple(sorted(float(one) for one in levels)), float(fewest or 0), pack.reference)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
