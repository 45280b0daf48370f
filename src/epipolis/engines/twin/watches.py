"""The figures that triggers see, worked out day by day from what happened on the day just lived."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from epipolis.engines.twin.courses import CRITICAL, MILD, SEVERE
from epipolis.engines.twin.draws import Flags
from epipolis.engines.twin.epidemics import Epidemic
from epipolis.engines.twin.layout import Records
from epipolis.engines.twin.measures import FIGURES, Measure

_PRESENT = ("infectious", "in_ward", "in_icu")
_DAYS = 7


@dataclass(eq=False)
class Watch:
    """`figures`: those of `names` on each day so far, as triggers see them; the others stay empty."""

    names: tuple[str, ...]
    figures: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in FIGURES})
    daily: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seen: int = 0
    """Infections before the day to be lived next."""


def watch_for(measures: Sequence[Measure]) -> Watch:
    """A watch over what the triggers of these measures ask for."""
    return Watch(tuple(sorted({measure.trigger.what for measure in measures if measure.trigger})))


def look(watch: Watch, epidemic: Epidemic, counted: Mapping[str, Sequence[float]]) -> None:
    """Note the day just lived; `counted`: the columns of the curve that are counted as the run goes on.

    For each 100,000 people: those there on that day for people in hospital or infectious, else seven days together.
    """
    for name in watch.names:
        value = float(counted[name][-1]) if name in counted else _counted_on(epidemic, name, epidemic.day - 1, watch.seen)
        watch.daily[name].append(value)
        latest = value if name in _PRESENT else sum(watch.daily[name][-_DAYS:])
        watch.figures[name].append(latest * 100_000 / len(epidemic.bodies))
    watch.seen = epidemic.count


def _counted_on(epidemic: Epidemic, name: str, day: int, seen: int) -> float:
    """What the curve says of a day that was just lived; `seen`: infections before it."""
    rows = epidemic.infections
    if name == "infections":
        return float((rows["day"][seen:] == day).sum())
    if name == "symptoms":
        return float(((rows["onset"] == day) & (rows["course"] >= MILD)).sum())
    if name == "deaths":
        return float(((rows["over_on"] == day) & rows["dies"]).sum())
    ill = rows[np.union1d(epidemic.live["row"], np.arange(seen, epidemic.count))]
    return float(_is_there(ill, name, day).sum())


def _is_there(ill: Records, name: str, day: int) -> Flags:
    """Who of those who are not over is infectious, in a ward or in intensive care."""
    if name == "infectious":
        return np.asarray((ill["sheds"] <= day) & (day <= ill["shed"]), bool)
    in_care = (ill["course"] == CRITICAL) & (ill["critical_on"] <= day) & (day < ill["over_on"])
    if name == "in_icu":
        return np.asarray(in_care, bool)
    return np.asarray((ill["course"] >= SEVERE) & (ill["severe_on"] <= day) & (day < ill["over_on"]) & ~in_care, bool)
