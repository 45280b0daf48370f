"""The city twin: a city and an epidemic on the visits of its people, with the truth known.

    city = build_city(people=100_000, seed=1)
    covid = load_disease("covid_19_ancestral")
    result = simulate(city, covid, [Masks(effect=0.5, first_day=20)], days=180, seed=1)
    result.curve, result.truth, result.summary()
    compare(city, covid, {"as is": [], "masks": [Masks()]}, days=180, seeds=range(8)).totals

And day by day, as a platform would be fed:

    run = start_run(city, covid, USUAL_RESPONSE, seed=1, start=date(2026, 1, 5))
    for run, day in days_of(run, 60):
        ...  # day.visits, day.cases, day.infections; run.truth
    run, day = step(load(save(run), city=city), at_home=quarantined)

Every table is an Arrow table and follows from the seeds alone; nothing needs files, clock or network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.twin.area_files import read_areas
    from epipolis.engines.twin.areas import Areas
    from epipolis.engines.twin.beginnings import Begin
    from epipolis.engines.twin.calibration import Calibration, calibrate
    from epipolis.engines.twin.city import FEWEST_PEOPLE, City, build_city
    from epipolis.engines.twin.comparisons import Comparison, compare, compare_results
    from epipolis.engines.twin.disease import (
        Disease,
        Duration,
        Immunity,
        Season,
        Vaccine,
        Variant,
        ViralLoad,
        diseases,
        load_disease,
        load_variant,
        read_disease,
    )
    from epipolis.engines.twin.measure_checks import check_measures
    from epipolis.engines.twin.measure_files import read_measures, write_measures
    from epipolis.engines.twin.measures import (
        LAYERS,
        MEASURES,
        USUAL_RESPONSE,
        CheckFence,
        ClosePlaces,
        Curfew,
        FewerOutings,
        IsolateCases,
        LimitCapacity,
        LimitTravel,
        Masks,
        Measure,
        QuarantineHouseholds,
        ReduceImports,
        Schools,
        Testing,
        TraceByBluetooth,
        TraceContacts,
        Trigger,
        Vaccinate,
        WorkFromHome,
    )
    from epipolis.engines.twin.mixing import Mixing, hybrid_population, well_mixed
    from epipolis.engines.twin.records import Coverage, write_records
    from epipolis.engines.twin.results import Result
    from epipolis.engines.twin.runs import Day, Run, curve, days_of, start_run, step
    from epipolis.engines.twin.saving import load, save
    from epipolis.engines.twin.simulations import simulate, simulate_many
    from epipolis.engines.twin.strategies import STRATEGIES, Spread, Strategy, reduce_r
    from epipolis.engines.twin.theory import traits
    from epipolis.engines.twin.visits import checked_in

# Loading the compiled loops takes a second: only who simulates waits for it.
_HOMES = {
    "area_files": ("read_areas",),
    "areas": ("Areas",),
    "beginnings": ("Begin",),
    "calibration": ("Calibration", "calibrate"),
    "city": ("FEWEST_PEOPLE", "City", "build_city"),
    "comparisons": ("Comparison", "compare", "compare_results"),
    "disease": (
        *("Disease", "Duration", "Immunity", "Season", "Vaccine", "Variant", "ViralLoad"),
        *("diseases", "load_disease", "load_variant", "read_disease"),
    ),
    "measure_checks": ("check_measures",),
    "measure_files": ("read_measures", "write_measures"),
    "measures": (
        *("LAYERS", "MEASURES", "USUAL_RESPONSE", "CheckFence", "ClosePlaces", "Curfew", "FewerOutings"),
        *("IsolateCases", "LimitCapacity", "LimitTravel", "Masks", "Measure", "QuarantineHouseholds", "ReduceImports"),
        *("Schools", "Testing", "TraceByBluetooth", "TraceContacts", "Trigger", "Vaccinate", "WorkFromHome"),
    ),
    "mixing": ("Mixing", "hybrid_population", "well_mixed"),
    "records": ("Coverage", "write_records"),
    "results": ("Result",),
    "runs": ("Day", "Run", "curve", "days_of", "start_run", "step"),
    "saving": ("load", "save"),
    "simulations": ("simulate", "simulate_many"),
    "strategies": ("STRATEGIES", "Spread", "Strategy", "reduce_r"),
    "theory": ("traits",),
    "visits": ("checked_in",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FEWEST_PEOPLE",
    "LAYERS",
    "MEASURES",
    "STRATEGIES",
    "USUAL_RESPONSE",
    "Areas",
    "Begin",
    "Calibration",
    "CheckFence",
    "City",
    "ClosePlaces",
    "Comparison",
    "Coverage",
    "Curfew",
    "Day",
    "Disease",
    "Duration",
    "FewerOutings",
    "Immunity",
    "IsolateCases",
    "LimitCapacity",
    "LimitTravel",
    "Masks",
    "Measure",
    "Mixing",
    "QuarantineHouseholds",
    "ReduceImports",
    "Result",
    "Run",
    "Schools",
    "Season",
    "Spread",
    "Strategy",
    "Testing",
    "TraceByBluetooth",
    "TraceContacts",
    "Trigger",
    "Vaccinate",
    "Vaccine",
    "Variant",
    "ViralLoad",
    "WorkFromHome",
    "build_city",
    "calibrate",
    "check_measures",
    "checked_in",
    "compare",
    "compare_results",
    "curve",
    "days_of",
    "diseases",
    "hybrid_population",
    "load",
    "load_disease",
    "load_variant",
    "read_areas",
    "read_disease",
    "read_measures",
    "reduce_r",
    "save",
    "simulate",
    "simulate_many",
    "start_run",
    "step",
    "traits",
    "well_mixed",
    "write_measures",
    "write_records",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the twin has no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
