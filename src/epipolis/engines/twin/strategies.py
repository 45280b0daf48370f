"""How far isolation, tracing and the like lower R, from diaries of how many people others meet in a day.

No city is needed: people are drawn from the diaries, infect some of those they meet, and every strategy is held against
the same infections. The model is that of Kucharski et al. 2020 (Lancet Infectious Diseases 20, 1151-1160), written anew
from its description.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.declarations import Amount, Count, Day, Share, check_fields, refuse
from epipolis.engines.twin.draws import Flags, Floats, Ints, pick, spans, uniform

HOME, WORK, OTHER = range(3)
_SETTINGS = ("home", "work", "other")
_AT_ONCE = 20_000
_NEVER = 1 << 30
_Z95 = 1.96


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How an infection passes to the people in the diaries.

    `symptomatic`: share of the infected who fall ill. `asymptomatic_infectiousness`: of the others, relative to the ill.
    `infects_at_home`: share of the people at home whom an ill one infects in the whole of `infectious_days` (whole days);
    `infects_elsewhere`: share of those met elsewhere, who are others each day.
    `days_before_isolated`: shares of the ill who still meet people on 1, 2, 3, … of those days before they isolate.
    `known_at_work`, `known_in_class`, `known_elsewhere`: share of those met whom one could name.
    """

    symptomatic: Share = 0.6
    asymptomatic_infectiousness: Amount = 0.5
    infects_at_home: Share = 0.2
    infects_elsewhere: Share = 0.06
    infectious_days: Count = 5
    days_before_isolated: tuple[Share, ...] = (0.15, 0.35, 0.30, 0.15, 0.05)
    known_at_work: Share = 0.79
    known_in_class: Share = 0.9
    known_elsewhere: Share = 0.52

    def __post_init__(self) -> None:
        check_fields("spread", self)
        if abs(sum(self.days_before_isolated) - 1) > 1e-6:
            raise refuse("spread", "days_before_isolated", self.days_before_isolated, "sum to 1")


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is asked of the infected and of those they met.

    `ill_isolate`: whether the ill are asked to keep away from everyone, at home too. `follow`: share of the infected, and
    of the contacts found, who do as asked.
    `finds_home`, `finds_work`, `finds_other`: share of the contacts known to an isolated person that are found by asking
    them; `finds_strangers`: the same share of strangers met outside home and work too. `app_users`: share of people with
    the app, which finds a contact when both have it. A contact who is found and follows infects nobody.
    `most_others`: people met in a day outside home and work, at most; None: as many as they like.
    `works_at_home`: share of the adults. `tested_weekly`: share of all people tested in a week, at random; who is found
    follows from that day on.
    """

    name: str
    ill_isolate: bool = False
    follow: Share = 0.9
    finds_home: Share = 0.0
    finds_work: Share = 0.0
    finds_other: Share = 0.0
    finds_strangers: bool = False
    app_users: Share = 0.0
    most_others: Day | None = None
    works_at_home: Share = 0.0
    tested_weekly: Share = 0.0

    def __post_init__(self) -> None:
        check_fields(self.name or "strategy", self)


_HOUSEHOLD: dict[str, Any] = {"ill_isolate": True, "finds_home": 1.0}
_KNOWN: dict[str, Any] = _HOUSEHOLD | {"finds_work": 0.95, "finds_other": 0.95}
STRATEGIES = (
    Strategy(name="no measures"),
    Strategy(name="random tests, 5 % a week", tested_weekly=0.05),
    Strategy(name="isolation of the ill", ill_isolate=True),
    Strategy(name="isolation, quarantine at home", **_HOUSEHOLD),
    Strategy(name="the same, app", **_HOUSEHOLD, app_users=0.53),
    Strategy(name="the same, tracing at work and school", **_KNOWN | {"finds_other": 0.0}),
    Strategy(name="the same, app, at most 4 others a day", **_HOUSEHOLD, app_users=0.53, most_others=4),
    Strategy(name="the same, tracing of those they know", **_KNOWN),
    Strategy(name="the same, tracing of all", **_KNOWN, finds_strangers=True),
    Strategy(name="the same, tracing of those they know, at most 4 others a day", **_KNOWN, most_others=4),
)
"""The ten of the paper, in the order of its reductions of R; "the same": isolation, quarantine at home."""


class _Drawn(NamedTuple):
    """People, one row each, and everyone they would infect if nothing were done: `person` (row), `setting`, `day` (of the
    infectious days), `rank` (among those met in that setting that day)."""

    number: Ints
    contacts: Ints
    is_adult: Flags
    is_ill: Flags
    person: Ints
    setting: Ints
    day: Ints
    rank: Ints


def reduce_r(
    contacts: pa.Table,
    strategies: Sequence[Strategy] = STRATEGIES,
    *,
    spread: Spread = Spread(),
    children: float = 0.21,
    people: int = 40_000,
    seed: int = 1,
) -> pa.Table:
    """What each strategy leaves of R, over `people` drawn from the diaries.

    `contacts`: a row a person of the study: adult (flag), home, work (or class), other: people met in a day.
    `children`: share of the infected who are children (21 % of the people of the United Kingdom are under 18).
    Returns a row a strategy: strategy, r (people infected by each), reduction, low, high (of R without measures, with its
    95 % interval over the people drawn), above_one (share of people who infect two or more), quarantined (contacts asked
    to stay at home for each infected person who isolates). All strategies see the same infections, so a stricter one
    never shows a higher R. ValueError, one sentence, for a wrong table, a share or a number out of range.
    """
    diaries, is_adult = _diaries(contacts)
    if not 0 <= children <= 1 or people < 1 or not strategies:
        raise ValueError("children must be a share between 0 and 1, people 1 or more, and at least one strategy be named.")
    for flag, share, group in ((True, 1 - children, "adults"), (False, children, "children")):
        if share and not (is_adult == flag).any():
            raise ValueError(f"contacts: there are no {group}, who are {share:.0%} of the infected.")
    caused = np.zeros((len(strategies), people))
    asked, isolated, before = (np.zeros(size) for size in (len(strategies), len(strategies), people))
    for first in range(0, people, _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, people))
        drawn = _draw(diaries, is_adult, spread, children, rows, seed)
        before[rows] = np.bincount(drawn.person, minlength=len(rows))
        for number, strategy in enumerate(strategies):
            stopped, found, alone = _stop(drawn, strategy, spread, seed)
            caused[number, rows] = np.bincount(drawn.person[~stopped], minlength=len(rows))
            asked[number] += found
            isolated[number] += alone
    reduction, error = _reduction(caused, before)
    return pa.table(
        {
            "strategy": [strategy.name for strategy in strategies],
            "r": caused.mean(axis=1),
            "reduction": reduction,
            "low": reduction - _Z95 * error,
            "high": reduction + _Z95 * error,
            "above_one": (caused > 1).mean(axis=1),
            "quarantined": asked / np.maximum(isolated, 1),
        }
    )


def _diaries(contacts: pa.Table) -> tuple[Ints, Flags]:
    """People met in a day, one row a person and a column a setting, and who is adult."""
    for name in ("adult", *_SETTINGS):
        if name not in contacts.column_names:
            raise ValueError(f"contacts: the column {name} is missing.")
        if contacts.column(name).null_count:
            raise ValueError(f"contacts: the column {name} has empty cells.")
        is_right = pa.types.is_boolean if name == "adult" else pa.types.is_integer
        if not is_right(contacts.column(name).type):
            raise ValueError(f"contacts: the column {name} must hold {'flags' if name == 'adult' else 'whole numbers'}.")
    met = np.stack([contacts.column(name).to_numpy().astype(np.int64) for name in _SETTINGS], axis=1)
    if (met < 0).any():
        raise ValueError("contacts: nobody can meet fewer than 0 people.")
    return met, np.asarray(contacts.column("adult").to_numpy())


def _draw(diaries: Ints, is_adult: Flags, spread: Spread, children: float, rows: Ints, seed: int) -> _Drawn:
    """The people of `rows` (numbers of the draw) and everyone they would infect."""
    adult = uniform(seed, "is adult", rows) >= children
    of_group = [np.flatnonzero(is_adult == flag) for flag in (False, True)]
    chance = uniform(seed, "diary", rows)
    chosen = np.zeros(len(rows), np.int64)
    for flag, own in enumerate(of_group):
        here = adult == bool(flag)
        chosen[here] = own[(chance[here] * len(own)).astype(np.int64)] if here.any() else 0
    met = diaries[chosen]
    ill = uniform(seed, "falls ill", rows) < spread.symptomatic
    force = np.where(ill, 1.0, spread.asymptomatic_infectiousness)
    parts = []
    for setting in (HOME, WORK, OTHER):
        days = 1 if setting == HOME else spread.infectious_days
        place, person = spans(np.zeros(len(rows), np.int64), met[:, setting] * days)
        day, rank = np.divmod(place, np.maximum(met[person, setting], 1))
        rate = spread.infects_at_home if setting == HOME else spread.infects_elsewhere
        hit = uniform(seed, "infects", rows[person], setting, day, rank) < np.minimum(rate * force[person], 1)
        person, day, rank = person[hit], day[hit], rank[hit]
        if setting == HOME:
            day = (uniform(seed, "day at home", rows[person], rank) * spread.infectious_days).astype(np.int64)
        parts.append((person, np.full(len(person), setting), day, rank))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Drawn(rows, met, adult, ill, *columns)


def _stop(drawn: _Drawn, strategy: Strategy, spread: Spread, seed: int) -> tuple[Flags, float, int]:
    """Which infections a strategy prevents or finds, contacts asked to stay at home, and people who isolate."""
    people, person, setting = drawn.number, drawn.person, drawn.setting
    follows = uniform(seed, "follows", people) < strategy.follow
    waits = 1 + pick(np.array(spread.days_before_isolated), uniform(seed, "waits", people))
    alone = drawn.is_ill & follows & strategy.ill_isolate
    at_home_from = np.where(alone, waits, _NEVER)
    if strategy.tested_weekly:
        found_from = _days_until(strategy.tested_weekly, uniform(seed, "is tested", people))
        at_home_from = np.minimum(at_home_from, np.where(follows, found_from, _NEVER))
    stays = drawn.is_adult & (uniform(seed, "works at home", people) < strategy.works_at_home)
    never_met = stays[person] & (setting == WORK)
    if strategy.most_others is not None:
        never_met |= (setting == OTHER) & (drawn.rank >= strategy.most_others)
    stopped = never_met | (drawn.day >= at_home_from[person])
    has_app = uniform(seed, "has the app", people) < strategy.app_users
    counters = (people[person], setting, drawn.day, drawn.rank)
    asked = uniform(seed, "is found", *counters) < _finds(strategy)[setting]
    known = _known(spread, drawn.is_adult, strategy)
    asked &= uniform(seed, "is known", *counters) < known[person, setting]
    asked |= has_app[person] & (uniform(seed, "contact has the app", *counters) < strategy.app_users)
    found = alone[person] & asked & (uniform(seed, "contact follows", *counters) < strategy.follow)
    return stopped | found, _quarantined(drawn, strategy, known, np.where(alone, waits, 0), has_app, stays), int(alone.sum())


def _days_until(weekly: float, chance: Floats) -> Ints:
    """Infectious days before a random test finds a person, when so large a share of all is tested in a week."""
    daily = weekly / 7
    return np.minimum(np.log1p(-chance) / log1p(-daily), _NEVER - 1).astype(np.int64)


def _finds(strategy: Strategy) -> Floats:
    return np.array([strategy.finds_home, strategy.finds_work, strategy.finds_other])


def _known(spread: Spread, is_adult: Flags, strategy: Strategy) -> Floats:
    """Share of contacts whom an interview may ask about: a row a person, a column a setting."""
    shares = np.ones((len(is_adult), len(_SETTINGS)))
    shares[:, WORK] = np.where(is_adult, spread.known_at_work, spread.known_in_class)
    if not strategy.finds_strangers:
        shares[:, OTHER] = spread.known_elsewhere
    return shares


def _quarantined(drawn: _Drawn, strategy: Strategy, known: Floats, days: Ints, has_app: Flags, stays: Flags) -> float:
    """Contacts who stay at home in the end, on average, when people isolate after `days` among others."""
    asks = known * _finds(strategy)
    finds = 1 - (1 - asks) * (1 - has_app * strategy.app_users)[:, None]
    met = drawn.contacts.copy()
    met[stays, WORK] = 0
    if strategy.most_others is not None:
        met[:, OTHER] = np.minimum(met[:, OTHER], strategy.most_others)
    times = np.stack([days > 0, days, days], axis=1)
    return float((met * times * finds).sum() * strategy.follow)


def _reduction(caused: Floats, before: Floats) -> tuple[Floats, Floats]:
    """One minus the ratio of sums to the sum without measures, and its standard error (a ratio over the same people)."""
    total = max(float(before.sum()), 1.0)
    left = caused.sum(axis=1) / total
    spread = caused - left[:, None] * before
    return 1 - left, np.sqrt((spread**2).sum(axis=1)) / total
