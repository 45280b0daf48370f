"""All chains of the city at one look: clusters, days between onsets, how many a case infects."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from epipolis.core import clock
from epipolis.engines import epidemic
from epipolis.engines.chains import intervals, largest_first, offspring
from epipolis.understand.chains.settings import settings

from .evidence import Known, known_cases
from .links import rule_on
from .trees import groups_of

_MOST_OFFSPRING = 12
_FEWEST = 10  # fewer cases say nothing about how unevenly they infect


@dataclass(frozen=True, slots=True)
class Cluster:
    """Cases that hang together: the first of them, how many, over which days and generations, and where most live."""

    first_case: Known
    cases: int
    generations: int
    first: date
    last: date
    districts: list[tuple[str, int]]
    most_infected: tuple[Known, int]
    is_growing: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What all links together say. Infections by a case are counted once its own can have been seen."""

    cases: int
    linked: int
    clusters: list[Cluster]
    clusters_in_all: int
    intervals: list[int]
    interval_mean: float | None
    interval_sd: float | None
    negative_share: float | None
    offspring: list[int]
    dispersion: "epidemic.Dispersion | None"  # its library takes seconds to load: only who asks waits
    spreaders: list[tuple[Known, int]]
    rule: str
    since: date
    simulated: bool

    @property
    def linked_words(self) -> str:
        return _("%(n)d of %(all)d") % {"n": self.linked, "all": self.cases}

    @property
    def interval_words(self) -> str:
        return "–" if self.interval_mean is None else f"{self.interval_mean:.1f}"

    @property
    def interval_note(self) -> str:
        if self.interval_sd is None or self.negative_share is None:
            return ""
        words = _("standard deviation %(sd).1f, %(early).0f %% below 0")
        return words % {"sd": self.interval_sd, "early": 100 * self.negative_share}

    @property
    def dispersion_words(self) -> str:
        return "–" if self.dispersion is None else f"{self.dispersion.k:.2f}"

    @property
    def dispersion_note(self) -> str:
        if self.dispersion is None:
            return _("too few cases")
        upper = f"{self.dispersion.upper:.2f}" if np.isfinite(self.dispersion.upper) else "∞"
        return _("95 %% interval %(lower).2f to %(upper)s; below 1: few cause most") % {
            "lower": self.dispersion.lower, "upper": upper,
        }  # fmt: skip


def figures_of(at: datetime, *, days: int = 0) -> Figures:
    """The clusters of the last days, the largest first, and what their links say about how this epidemic spreads."""
    today = clock.local_day(at)
    pack = rule_on(today)
    since = today - timedelta(days=days or settings.link_days)
    known = known_cases(since=since)
    ids, tree, root = groups_of(known, holds_from=pack["holds_from"])
    groups = largest_first(root, smallest=pack["smallest_cluster"])
    infected = offspring(tree)
    between = intervals(tree).astype(int).tolist()
    days_of = [known[case].shown for case in ids]
    settled = today - timedelta(days=pack["settled_days"])
    complete = [int(infected[n]) for n, day in enumerate(days_of) if day <= settled]
    order = sorted(range(len(ids)), key=lambda n: (-infected[n], tree.cases[n]))
    return Figures(
        cases=len(ids),
        linked=int((tree.parent >= 0).sum()),
        clusters=[_cluster(group, ids, known, tree, infected, today) for group in groups[: settings.shown_clusters]],
        clusters_in_all=len(groups),
        intervals=between,
        interval_mean=float(np.mean(between)) if between else None,
        interval_sd=float(np.std(between, ddof=1)) if len(between) > 1 else None,
        negative_share=sum(one < 0 for one in between) / len(between) if between else None,
        offspring=complete,
        dispersion=epidemic.estimate_dispersion(complete) if len(complete) >= _FEWEST and any(complete) else None,
        spreaders=[(known[ids[n]], int(infected[n])) for n in order[:5] if infected[n] > 1],
        rule=pack.reference,
        since=since,
        simulated=any(case.simulated for case in known.values()),
    )


def clusters_now(at: datetime) -> int:
    """How many clusters had a case within the last days of the rule."""
    return sum(cluster.is_growing for cluster in figures_of(at).clusters)


def histogram(found: Figures) -> dict[str, Any]:
    """Days between onsets as a chart."""
    counts = Counter(found.intervals)
    days = list(range(min(counts), max(counts) + 1)) if counts else []
    return {
        "kind": "bar",
        "x": days,
        "series": [{"name": _("links"), "values": [counts[day] for day in days]}],
        "x_title": _("days from the infector's onset to the infectee's"),
        "y_title": _("links"),
    }


def offspring_chart(found: Figures) -> dict[str, Any]:
    """How many cases infected none, one, two …, as a chart."""
    counts = Counter(min(one, _MOST_OFFSPRING) for one in found.offspring)
    numbers = list(range(max(counts, default=0) + 1))
    names = [str(number) if number < _MOST_OFFSPRING else f"{number}+" for number in numbers]
    return {
        "kind": "bar",
        "x": names,
        "series": [{"name": _("cases"), "values": [counts[number] for number in numbers]}],
        "x_title": _("cases that one case infected"),
        "y_title": _("cases"),
    }


def _cluster(
    group: np.ndarray, ids: list[UUID], known: dict[UUID, Known], tree: Any, infected: np.ndarray, today: date
) -> Cluster:
    members = [known[ids[n]] for n in group]
    days = [case.shown for case in members]
    districts = Counter(case.district for case in members if case.district).most_common(3)
    most = max(group, key=lambda n: (infected[n], -n))
    first = min(group, key=lambda n: (tree.generation[n], n))
    return Cluster(
        first_case=known[ids[first]],
        cases=len(members),
        generations=int(tree.generation[group].max()) + 1,
        first=min(days),
        last=max(days),
        districts=districts,
        most_infected=(known[ids[most]], int(infected[most])),
        is_growing=max(days) >= today - timedelta(days=7),
    )
