"""Epidemic analytics: reproduction number, nowcast, forecast, beds, scores and early warning.

    history = History(admissions)                           # area, day, value[, known_on]
    rounds = [date(2023, 1, 7), date(2023, 1, 14)]
    forecasts = backtest(history, made_on=rounds)           # each only from what was known on its day
    scores = score(forecasts, observed)                     # target, area, day, value: WIS, its parts, coverage
    summarise(scores, by=("model", "horizon"))
    compare_models(scores, baseline="baseline")             # relative skill, pairwise

    estimate_r(cases, discretise(4.5, 2.6)).table()         # Cori, 7-day windows
    nowcast(triangle_of(reports), at=date(2023, 1, 14))     # day, known_on: what is still to be reported
    detect(calls, false_alarms_per_year=1)                  # aberrations; scan(…) finds clusters

Every table is an Arrow table; every result follows from what is passed in and a seed: no files, clock or network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.epidemic.alarms import detect
    from epipolis.engines.epidemic.beds import Stay, first_passing, fit_stay, forecast_beds, occupancy_from, passes_limit
    from epipolis.engines.epidemic.calibration import coverage, pit
    from epipolis.engines.epidemic.cohorts import CohortR, cohort_r
    from epipolis.engines.epidemic.comparisons import compare_models
    from epipolis.engines.epidemic.completeness import Memory
    from epipolis.engines.epidemic.deconvolution import deconvolve, shift_to_infection
    from epipolis.engines.epidemic.delays import Delay, estimate_delay, estimate_serial_interval
    from epipolis.engines.epidemic.dispersion import Dispersion, estimate_dispersion
    from epipolis.engines.epidemic.forecasts.rounds import ENSEMBLE, MODELS, backtest, forecast
    from epipolis.engines.epidemic.growth import doubling_time, growth_rate
    from epipolis.engines.epidemic.histories import History
    from epipolis.engines.epidemic.hub import from_hub, to_hub
    from epipolis.engines.epidemic.intervals import UncertainInterval, check_interval, discretise
    from epipolis.engines.epidemic.nowcasts import Nowcast, carry_forward, nowcast
    from epipolis.engines.epidemic.pooling import pool_r
    from epipolis.engines.epidemic.quantiles import LEVELS
    from epipolis.engines.epidemic.reproduction import Reproduction, estimate_r
    from epipolis.engines.epidemic.scans import scan, skipped_in
    from epipolis.engines.epidemic.scores import score, summarise, weighted_interval_score
    from epipolis.engines.epidemic.trends import Flexibility
    from epipolis.engines.epidemic.triangles import Triangle, triangle_of

# Compiled loops and statistics libraries take seconds to load: only who uses them waits.
_HOMES = {
    "alarms": ("detect",),
    "beds": ("Stay", "first_passing", "fit_stay", "forecast_beds", "occupancy_from", "passes_limit"),
    "calibration": ("coverage", "pit"),
    "cohorts": ("CohortR", "cohort_r"),
    "comparisons": ("compare_models",),
    "completeness": ("Memory",),
    "deconvolution": ("deconvolve", "shift_to_infection"),
    "delays": ("Delay", "estimate_delay", "estimate_serial_interval"),
    "dispersion": ("Dispersion", "estimate_dispersion"),
    "forecasts.rounds": ("ENSEMBLE", "MODELS", "backtest", "forecast"),
    "growth": ("doubling_time", "growth_rate"),
    "histories": ("History",),
    "hub": ("from_hub", "to_hub"),
    "intervals": ("UncertainInterval", "check_interval", "discretise"),
    "nowcasts": ("Nowcast", "carry_forward", "nowcast"),
    "pooling": ("pool_r",),
    "quantiles": ("LEVELS",),
    "reproduction": ("Reproduction", "estimate_r"),
    "scans": ("scan", "skipped_in"),
    "scores": ("score", "summarise", "weighted_interval_score"),
    "trends": ("Flexibility",),
    "triangles": ("Triangle", "triangle_of"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ENSEMBLE",
    "LEVELS",
    "MODELS",
    "CohortR",
    "Delay",
    "Dispersion",
    "Flexibility",
    "History",
    "Memory",
    "Nowcast",
    "Reproduction",
    "Stay",
    "Triangle",
    "UncertainInterval",
    "backtest",
    "carry_forward",
    "check_interval",
    "cohort_r",
    "compare_models",
    "coverage",
    "deconvolve",
    "detect",
    "discretise",
    "doubling_time",
    "estimate_delay",
    "estimate_dispersion",
    "estimate_r",
    "estimate_serial_interval",
    "first_passing",
    "fit_stay",
    "forecast",
    "forecast_beds",
    "from_hub",
    "growth_rate",
    "nowcast",
    "occupancy_from",
    "passes_limit",
    "pit",
    "pool_r",
    "scan",
    "score",
    "shift_to_infection",
    "skipped_in",
    "summarise",
    "to_hub",
    "triangle_of",
    "weighted_interval_score",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the epidemic engines have no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
