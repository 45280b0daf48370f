"""What the measures in force mean for everyone's day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import cos, pi
from typing import TypeVar

import numpy as np

from epipolis.engines.twin.draws import Flags, Floats, Ints, key, uniform
from epipolis.engines.twin.epidemics import Epidemic
from epipolis.engines.twin.measure_checks import compliance_of
from epipolis.engines.twin.measures import (
    LAYERS,
    ClosePlaces,
    Curfew,
    FewerOutings,
    LimitCapacity,
    LimitTravel,
    Masks,
    Measure,
    ReduceImports,
    Schools,
    TraceByBluetooth,
    WorkFromHome,
)
from epipolis.engines.twin.places import CARE_HOME, CODES
from epipolis.engines.twin.presence import HALVED, HAS_APP, IN_BY_CURFEW, OPEN, REMOTE, SHUT, STAYS_NEAR, Today
from epipolis.engines.twin.week import HABIT

_MASKS_A_WEEK = 7.0
"""One mask a day is what full compliance needs."""
_HOME_FACTOR = 0.5
_MASK_ORDERS = 8
"""So many orders of masks can hold at once; a bit for each."""
Kind = TypeVar("Kind", bound=Measure)


@dataclass(eq=False)
class Orders:
    """The measures of a run: which are in force, and what they mean until that changes."""

    measures: tuple[Measure, ...]
    in_force: tuple[Measure, ...] | None = None
    triggered: dict[int, bool] = field(default_factory=dict)
    shut: Ints = field(default_factory=lambda: np.zeros(0, np.uint8))
    masks: Floats = field(default_factory=lambda: np.ones((len(LAYERS), 256)))
    rates: Floats = field(default_factory=lambda: np.zeros(0))
    shares: dict[int, Floats] = field(default_factory=dict)
    reach: dict[int, float] = field(default_factory=dict)
    """By id of each measure: how many people it means something for, as long as the same are in force."""

    def compliance(self, epidemic: Epidemic, measure: Measure) -> Floats:
        """Chance that each person follows; worked out once."""
        if id(measure) not in self.shares:
            world = epidemic.world
            self.shares[id(measure)] = compliance_of(measure, world.age, world.area, world.area_codes)
        return self.shares[id(measure)]

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Those of one kind that are in force."""
        return [measure for measure in self.in_force or () if isinstance(measure, kind)]


@dataclass(frozen=True, eq=False)
class Rules:
    """One day's rules. `strength`: hazard per hour by variant; `imports`: share of infections from outside that come in."""

    today: Today
    strength: Floats
    imports: float
    leading_variant: int


def rules_of(epidemic: Epidemic, orders: Orders, figures: Mapping[str, list[float]]) -> Rules:
    """Today's rules; `figures`: the curve so far as triggers see it, a number for each day."""
    in_force = tuple(
        measure
        for number, measure in enumerate(orders.measures)
        if measure.is_in_force(epidemic.day) and _is_triggered(orders, number, figures)
    )
    if in_force != orders.in_force:
        orders.in_force = in_force
        _apply(epidemic, orders)
    day, seed, disease = epidemic.day, epidemic.seed, epidemic.disease
    weekday = (epidemic.start.weekday() + day) % 7
    factors = np.array([1.0, *(variant.transmissibility for variant in disease.variants)])
    arrived = [0, *(n for n, variant in enumerate(disease.variants, start=1) if variant.arrives_day < day)]
    susceptibility = np.array(disease.susceptibility)[np.minimum(np.arange(256) // 10, 9)]
    day_of_year = epidemic.start.timetuple().tm_yday + day
    season = 1 + disease.season.amplitude * cos(2 * pi * (day_of_year - disease.season.peak_day_of_year) / 365.25)
    today = Today(
        day=day,
        weekday=weekday,
        key=key(seed, "infection", day),
        keeps_key=key(seed, "keeps", day),
        attends_key=key(seed, "attends", day),
        week_keys=epidemic.world.week_keys,
        is_hazard=disease.contagion == "hazard",
        most=float(susceptibility.max()),
        susceptibility=susceptibility,
        masks=orders.masks,
        shut=orders.shut,
        rates=orders.rates,
        far_rate=float(np.prod([1 - limit.share for limit in orders.of(LimitTravel)])),
        curfew=min([24 * 60, *(int(60 * measure.from_hour) for measure in orders.of(Curfew))]),
        home_factor=_HOME_FACTOR,
    )
    imports = float(np.prod([1 - fewer.share * fewer.compliance for fewer in orders.of(ReduceImports)]))
    return Rules(today, disease.transmissibility * season * factors, imports, arrived[-1])


def follows(epidemic: Epidemic, measure: Measure, share: float = 1.0) -> Flags:
    """Who follows: the same people whenever it is asked, and more of them when the compliance rises."""
    world = epidemic.world
    compliance = compliance_of(measure, world.age, world.area, world.area_codes)
    chance = uniform(epidemic.seed, f"follows {measure.kind()}", np.arange(len(epidemic.bodies)))
    return np.asarray(chance < compliance * share, bool)


def concerned(epidemic: Epidemic, orders: Orders, measure: Measure) -> float:
    """For how many people a measure means something today, for its cost."""
    if id(measure) not in orders.reach:
        orders.reach[id(measure)] = _reach(epidemic, orders, measure)
    return orders.reach[id(measure)]


def _reach(epidemic: Epidemic, orders: Orders, measure: Measure) -> float:
    bodies, world = epidemic.bodies, epidemic.world
    if isinstance(measure, Masks):
        return float(orders.compliance(epidemic, measure).sum()) * _supplied(measure)
    if isinstance(measure, WorkFromHome):
        return float((bodies["habits"] & REMOTE > 0).sum())
    if isinstance(measure, Schools):
        return float(world.is_pupil.sum()) * (1.0 if measure.mode == "closed" else 0.5)
    if isinstance(measure, ClosePlaces | LimitCapacity):
        shut = np.isin(world.kinds, [CODES[name] for name in measure.places])
        share = measure.compliance if isinstance(measure, ClosePlaces) else 1 - measure.share
        return float(world.staff[shut].sum()) * share
    return float(len(bodies))


def _is_triggered(orders: Orders, number: int, figures: Mapping[str, list[float]]) -> bool:
    trigger = orders.measures[number].trigger
    if trigger is None:
        return True
    orders.triggered[number] = trigger.is_on(figures[trigger.what], orders.triggered.get(number, False))
    return orders.triggered[number]


def _places_following(epidemic: Epidemic, measure: Measure) -> Floats:
    """Chance that each place follows: that of its area, or else the general one."""
    world = epidemic.world
    by_area = np.array([measure.compliance_by_area.get(code, measure.compliance) for code in world.area_codes])
    return np.asarray(by_area[world.place_area], np.float64)


def _apply(epidemic: Epidemic, orders: Orders) -> None:
    """Work out who and what the measures in force concern; this holds until others are in force."""
    bodies = epidemic.bodies
    orders.reach.clear()
    keeps, remote = np.full(len(bodies), HABIT), np.zeros(len(bodies), bool)
    for fewer in orders.of(FewerOutings):
        keeps = np.where(follows(epidemic, fewer), keeps * (1 - fewer.share), keeps)
    for work in orders.of(WorkFromHome):
        remote |= follows(epidemic, work, work.share)
    bodies["keeps"] = np.rint(keeps * 255)
    uptake = max([0.0, *(app.uptake for app in orders.of(TraceByBluetooth))])
    has_app = uniform(epidemic.seed, "has the app", np.arange(len(bodies))) < uptake
    bodies["habits"] = remote * np.uint8(REMOTE) | has_app * np.uint8(HAS_APP)
    for measure in (*orders.of(Curfew), *orders.of(LimitTravel)):
        habit = np.uint8(IN_BY_CURFEW if isinstance(measure, Curfew) else STAYS_NEAR)
        bodies["habits"] |= follows(epidemic, measure) * habit
    _put_on_masks(epidemic, orders)
    orders.shut = _shut(epidemic, orders)
    kinds = epidemic.world.kinds
    orders.rates = np.ones(len(kinds))
    for limit in orders.of(LimitCapacity):
        limited = np.isin(kinds, [CODES[name] for name in limit.places])
        orders.rates[limited] *= 1 - (1 - limit.share) * _places_following(epidemic, limit)[limited]


def _put_on_masks(epidemic: Epidemic, orders: Orders) -> None:
    epidemic.bodies["wears"] = 0
    orders.masks = np.ones((len(LAYERS), 256))
    for bit, masks in enumerate(orders.of(Masks)[:_MASK_ORDERS]):
        wears = follows(epidemic, masks, _supplied(masks))
        epidemic.bodies["wears"] |= (wears << bit).astype(np.uint8)
        with_mask = (np.arange(256) >> bit) & 1 == 1
        for layer in masks.layers:
            orders.masks[LAYERS.index(layer), with_mask] *= (1 - masks.effect) ** 0.5


def _supplied(masks: Masks) -> float:
    """Share of those who would wear a mask for whom there is one."""
    supply = masks.supply_per_person_week
    return 1.0 if supply is None else min(1.0, supply / _MASKS_A_WEEK)


def _shut(epidemic: Epidemic, orders: Orders) -> Ints:
    kinds = epidemic.world.kinds
    chance = uniform(epidemic.seed, "obeys closure", np.arange(len(kinds))) if len(kinds) else np.zeros(0)
    shut = np.full(len(kinds), OPEN, np.uint8)
    schools = np.isin(kinds, [CODES["school"], CODES["nursery"]])
    for measure in sorted(orders.of(Schools), key=lambda one: one.mode == "closed"):
        obeys = schools & (chance < _places_following(epidemic, measure))
        shut[obeys] = SHUT if measure.mode == "closed" else HALVED
    for closure in orders.of(ClosePlaces):
        closed = np.isin(kinds, [CODES[name] for name in closure.places])
        shut[closed & (chance < _places_following(epidemic, closure))] = SHUT
    shut[kinds == CARE_HOME] = OPEN
    return shut
