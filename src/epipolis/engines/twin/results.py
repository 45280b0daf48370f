"""What a run leaves behind: tables by day, area, age and place, the truth, and a summary."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.courses import ASYMPTOMATIC, BY_NOBODY, CRITICAL, MILD, NEVER, SEVERE
from epipolis.engines.twin.draws import Flags, Ints
from epipolis.engines.twin.epidemics import Epidemic
from epipolis.engines.twin.layout import Records
from epipolis.engines.twin.measures import Measure
from epipolis.engines.twin.meetings import HOUSEHOLD, PASSING
from epipolis.engines.twin.places import KINDS

_PLAIN = "contacts"
_COURSES = ("asymptomatic", "mild", "severe", "critical")
_EARLY_DAYS = 14
COUNTED = ("tests", "cases", "isolated", "quarantined", "traced", "vaccinated")
"""Columns of the curve that are counted while the run goes on; the others follow from the infections."""


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run.

    `curve`: a row a day: day, date, infections, infectious (people), symptoms (onsets), tests, cases (newly confirmed),
    in_ward, in_icu (people), deaths, isolated, quarantined (people at home by order), traced (contacts told), vaccinated
    (first doses), cost.
    `by_area`: day, neighbourhood (code), infections, cases, deaths; only where there were any.
    `by_age`: age_from (0, 10, … 80), people, infections, cases, severe, deaths.
    `by_place`: setting (household, a kind of place, passing, abroad), infections. Like `by_age` it counts from the first
    day on, so that the sums are those of the curve; only `truth` also tells who was infected before.
    `costs`: measure, unit, amount, cost.
    `truth`: a row an infection: person, infector (null: brought in), setting, place (null), infected_day, onset_day
    (null without symptoms), confirmed_day (null: never), severity, variant, over_day, died.
    """

    city: str
    disease: str
    people: int
    seed: int
    start: date
    days: int
    curve: pa.Table
    by_area: pa.Table
    by_age: pa.Table
    by_place: pa.Table
    costs: pa.Table
    truth: pa.Table

    def summary(self) -> dict[str, float]:
        """Totals and peaks. `r_early`: people infected by each of those infected in the first 14 days."""
        curve = {name: np.asarray(self.curve.column(name)) for name in self.curve.column_names}
        total = {name: int(curve[name].sum()) for name in ("infections", "cases", "deaths", "tests", "traced", "vaccinated")}
        peak = int(curve["infections"].argmax()) if self.days else 0
        return {
            **total,
            "attack_rate": total["infections"] / self.people,
            "peak_day": peak,
            "peak_infections": int(curve["infections"].max(initial=0)),
            "peak_in_ward": int(curve["in_ward"].max(initial=0)),
            "peak_in_icu": int(curve["in_icu"].max(initial=0)),
            "days_isolated": int(curve["isolated"].sum()),
            "days_quarantined": int(curve["quarantined"].sum()),
            "cost": float(curve["cost"].sum()),
            "r_early": self._r_early(),
        }

    def _r_early(self) -> float:
        infected, infector = self.truth.column("infected_day"), self.truth.column("infector")
        person = np.asarray(self.truth.column("person"))
        early = person[np.asarray(infected) < _EARLY_DAYS]
        by = np.asarray(infector.drop_null())
        return float(np.isin(by, early).sum() / len(early)) if len(early) else 0.0


def curve_of(epidemic: Epidemic, days: int, counted: dict[str, list[float]], cost: list[float]) -> pa.Table:
    """The curve, from the infections and from what was counted on each day."""
    rows = epidemic.infections
    ill, severe = rows["course"] >= MILD, rows["course"] >= SEVERE
    critical = rows["course"] == CRITICAL
    ward_until = np.where(critical, rows["critical_on"], rows["over_on"])
    columns: dict[str, object] = {
        "day": np.arange(days),
        "date": pa.array([epidemic.start + timedelta(days=day) for day in range(days)], pa.date32()),
        "infections": _by_day(rows["day"], days),
        "infectious": _present(rows["sheds"], rows["shed"] + 1, days),
        "symptoms": _by_day(rows["onset"][ill], days),
        "tests": counted["tests"],
        "cases": _by_day(rows["confirmed_on"], days),
        "in_ward": _present(rows["severe_on"][severe], ward_until[severe], days),
        "in_icu": _present(rows["critical_on"][critical], rows["over_on"][critical], days),
        "deaths": _by_day(rows["over_on"][rows["dies"]], days),
    }
    for name in COUNTED[2:]:
        columns[name] = counted[name]
    typed = {name: pa.array(np.asarray(column, np.int64)) if name != "date" else column for name, column in columns.items()}
    return pa.table({**typed, "cost": pa.array(cost, pa.float64())})


def _by_day(days_: Ints, days: int) -> Ints:
    return np.bincount(days_[(days_ >= 0) & (days_ < days)], minlength=days)[:days]


def _present(first: Ints, last: Ints, days: int) -> Ints:
    """How many are there on each day, from `first` on until before `last`."""
    change = np.zeros(days + 1, np.int64)
    np.add.at(change, np.clip(first, 0, days), 1)
    np.add.at(change, np.clip(last, 0, days), -1)
    return np.cumsum(change)[:days]


def by_area_of(epidemic: Epidemic, days: int) -> pa.Table:
    """Infections, confirmed cases and deaths by day and neighbourhood."""
    rows, areas = epidemic.infections, max(len(epidemic.world.area_codes), 1)
    area = epidemic.world.area[rows["person"]].astype(np.int64)
    days_of = (rows["day"], rows["confirmed_on"], np.where(rows["dies"], rows["over_on"], NEVER))
    counts = []
    for on in days_of:
        inside = (on >= 0) & (on < days)
        counts.append(np.bincount(on[inside].astype(np.int64) * areas + area[inside], minlength=days * areas))
    some = np.flatnonzero(sum(counts))
    codes = np.array(epidemic.world.area_codes or [_PLAIN], object)
    return pa.table(
        {
            "day": some // areas,
            "neighbourhood": pa.array(codes[some % areas], pa.string()),
            **{name: column[some] for name, column in zip(("infections", "cases", "deaths"), counts, strict=True)},
        }
    )


def by_age_of(epidemic: Epidemic, days: int) -> pa.Table:
    """Totals by ten years of age, of what happened from the first day on."""
    rows, age = epidemic.infections, epidemic.world.age
    group, everyone = np.minimum(age[rows["person"]] // 10, 8), np.minimum(age // 10, 8)

    def count(on: Ints, where: Flags | None = None) -> Ints:
        inside = (on >= 0) & (on < days)
        return np.bincount(group[inside if where is None else inside & where], minlength=9)

    return pa.table(
        {
            "age_from": np.arange(9) * 10,
            "people": np.bincount(everyone, minlength=9),
            "infections": count(rows["day"]),
            "cases": count(rows["confirmed_on"]),
            "severe": count(rows["severe_on"], rows["course"] >= SEVERE),
            "deaths": count(rows["over_on"], rows["dies"]),
        }
    )


def settings_of(epidemic: Epidemic, rows: Records) -> pa.DictionaryArray:
    """Where each was infected: household, a kind of place, passing (met by chance), abroad."""
    names = [*(kind.name for kind in KINDS), "household", "passing", "abroad", _PLAIN]
    at_home, passing, abroad, plain = range(len(KINDS), len(names))
    place, kinds = rows["place"], epidemic.world.kinds
    code = kinds[np.maximum(place, 0)].astype(np.int64) if len(kinds) else np.full(len(rows), plain)
    code = np.where((place < 0) & (rows["layer"] == HOUSEHOLD), at_home, code)
    code = np.where((place < 0) & (rows["layer"] == PASSING), passing, code)
    code = np.where(rows["layer"] == BY_NOBODY, abroad, code)
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int8)), names)


def by_place_of(epidemic: Epidemic) -> pa.Table:
    """Infections from the first day on by where they happened, the most frequent first."""
    rows = epidemic.infections
    counted = settings_of(epidemic, rows[rows["day"] >= 0]).value_counts()
    table = pa.table({"setting": counted.field("values").cast(pa.string()), "infections": counted.field("counts")})
    return table.sort_by([("infections", "descending")])


def truth_of(epidemic: Epidemic) -> pa.Table:
    """Who was infected by whom, where and when, and what became of them."""
    rows = epidemic.infections
    infector = rows["infector"]
    onset = rows["onset"]
    return pa.table(
        {
            "person": rows["person"],
            "infector": pa.array(rows["person"][np.maximum(infector, 0)], mask=infector < 0),
            "setting": settings_of(epidemic, rows),
            "place": pa.array(rows["place"], mask=rows["place"] < 0),
            "infected_day": rows["day"],
            "onset_day": pa.array(onset, mask=rows["course"] == ASYMPTOMATIC),
            "confirmed_day": pa.array(rows["confirmed_on"], mask=rows["confirmed_on"] >= NEVER),
            "severity": pa.DictionaryArray.from_arrays(pa.array(rows["course"].astype(np.int8)), list(_COURSES)),
            "variant": rows["variant"],
            "over_day": rows["over_on"],
            "died": rows["dies"],
        }
    )


def costs_of(
    measures: tuple[Measure, ...], units: dict[int, float], person_days: dict[int, float], days: dict[int, int]
) -> pa.Table:
    """What each measure came to; keys are the measures' ids."""
    columns: dict[str, list[str] | list[float]] = {"measure": [], "unit": [], "amount": [], "cost": []}
    rows: list[tuple[str, str, float, float]] = []
    for measure in measures:
        number = id(measure)
        parts = (
            ("day", float(days.get(number, 0)), measure.cost_per_day),
            ("person-day", person_days.get(number, 0.0), measure.cost_per_person_day),
            ("unit", units.get(number, 0.0), measure.cost_per_unit),
        )
        rows += [(measure.label, unit, amount, amount * price) for unit, amount, price in parts if amount and price]
    for name, values in zip(columns, zip(*rows, strict=True) if rows else ((),) * 4, strict=True):
        columns[name] = list(values)
    kinds = {"measure": pa.string(), "unit": pa.string(), "amount": pa.float64(), "cost": pa.float64()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})
