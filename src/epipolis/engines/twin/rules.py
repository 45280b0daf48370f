"""What the measures in force mean for everyone's day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import cos, pi

import numpy as np

from epipolis.engines.twin.draws import Flags, Floats, Ints, key, uniform
from epipolis.engines.twin.epidemics import Epidemic

from epipolis.engines.twin.meetings import HAS_APP, REMOTE, Today
from epipolis.engines.twin.order_checks import compliance_of
from epipolis.engines.twin.orders import (
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
    age_range,
)
from epipolis.engines.twin.places import CARE_HOME, CODES, KINDS
from epipolis.engines.twin.week import HABIT

_MASKS_A_WEEK = 7.0
"""One mask a day is what full compliance needs."""
_HOME_FACTOR = 0.5


@dataclass(eq=False)
class Orders:
    """The measures of a run: which are in force, and what they mean until that changes."""

    measures: tuple[Measure, ...]
    in_force: tuple[Measure, ...] | None = None
    triggered: dict[int, bool] = field(default_factory=dict)
    shut: Ints = field(default_factory=lambda: np.zeros(0, np.uint8))
    masks: Floats = field(default_factory=lambda: np.ones((len(LAYERS), 256)))
    rates: Floats = field(default_factory=lambda: np.ones(len(KINDS)))

    shares: dict[int, Floats] = field(default_factory=dict)

    def compliance(self, epidemic: Epidemic, measure: Measure) -> Floats:
        """Chance that each person follows; worked out once."""
        if id(measure) not in self.shares:
            world = epidemic.world
            self.shares[id(measure)] = compliance_of(measure, world.age, world.area, world.area_codes)
        return self.shares[id(measure)]

    def of(self, kind: type[Measure]) -> list[Measure]:
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
        far_rate=_left(orders, LimitTravel),
        curfew=min([24 * 60, *(int(60 * measure.from_hour) for measure in orders.of(Curfew))]),
        half_classes=any(measure.mode == "half_classes" for measure in orders.of(Schools)),
        home_factor=_HOME_FACTOR,
    )
    imports = _left(orders, ReduceImports)
    return Rules(today, disease.transmissibility * season * factors, imports, arrived[-1])


def follows(epidemic: Epidemic, measure: Measure, share: float = 1.0) -> Flags:
    """Who follows: the same people whenever it is asked, and more of them when the compliance rises."""
    world = epidemic.world
    compliance = compliance_of(measure, world.age, world.area, world.area_codes)
    chance = uniform(epidemic.seed, f"follows {measure.kind()}", np.arange(len(epidemic.bodies)))
    return np.asarray(chance < compliance * share, bool)


def _is_triggered(orders: Orders, number: int, figures: Mapping[str, list[float]]) -> bool:
    trigger = orders.measures[number].trigger
    if trigger is None:
        return True
    orders.triggered[number] = trigger.is_on(figures[trigger.what], orders.triggered.get(number, False))
    return orders.triggered[number]


def _left(orders: Orders, kind: type[Measure]) -> float:
    left = 1.0
    for measure in orders.of(kind):
        left *= 1 - measure.share * measure.compliance
    return left


def _apply(epidemic: Epidemic, orders: Orders) -> None:
    """Work out who and what the measures in force concern; this holds until others are in force."""
    bodies, world = epidemic.bodies, epidemic.world
    keeps, remote = np.full(len(bodies), HABIT), np.zeros(len(bodies), bool)
    for measure in orders.of(FewerOutings):
        keeps = np.where(follows(epidemic, measure), keeps * (1 - measure.share), keeps)
    for measure in orders.of(WorkFromHome):
        remote |= follows(epidemic, measure, measure.share)
    bodies["keeps"] = np.rint(keeps * 255)
    uptake = max([0.0, *(measure.uptake for measure in orders.of(TraceByBluetooth))])
    has_app = uniform(epidemic.seed, "has the app", np.arange(len(bodies))) < uptake
    bodies["habits"] = remote * np.uint8(REMOTE) | has_app * np.uint8(HAS_APP)
    bodies["wears"] = 0
    orders.masks = np.ones((len(LAYERS), 256))
    for bit, measure in enumerate(orders.of(Masks)[:8]):
        supply = measure.supply_per_person_week
        wears = follows(epidemic, measure, 1.0 if supply is None else min(1.0, supply / _MASKS_A_WEEK))
        bodies["wears"] |= (wears << bit).astype(np.uint8)
        with_mask = (np.arange(256) >> bit) & 1 == 1
        for layer in measure.layers:
            orders.masks[LAYERS.index(layer), with_mask] *= (1 - measure.effect) ** 0.5
    orders.shut = _shut(epidemic, orders)
    orders.rates = np.ones(len(KINDS))
    for measure in orders.of(LimitCapacity):
        for name in measure.places:
            orders.rates[CODES[name]] *= 1 - (1 - measure.share) * measure.compliance


def _shut(epidemic: Epidemic, orders: Orders) -> Ints:
    kinds = epidemic.world.kinds
    chance = uniform(epidemic.seed, "obeys closure", np.arange(len(kinds))) if len(kinds) else np.zeros(0)
    shut = np.zeros(len(kinds), bool)
    for measure in orders.of(ClosePlaces):
        shut |= np.isin(kinds, [CODES[name] for name in measure.places]) & (chance < measure.compliance)
    for measure in orders.of(Schools):
        if measure.mode == "closed":
            shut |= np.isin(kinds, [CODES["school"], CODES["nursery"]])
    return np.asarray(shut & (kinds != CARE_HOME), np.uint8)
