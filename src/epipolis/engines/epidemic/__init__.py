"""Epidemic analytics: reproduction number, nowcast, forecast, beds, scores and early warning.

    levels = read_table("weekly_admissions.csv")            # area, day, value[, known_on]
    history = History(levels)
    rounds = [date(2023, 1, 7), date(2023, 1, 14)]
    forecasts = backtest(history, made_on=rounds)           # each only from what was known on its day
    table = score(forecasts, observed)                      # WIS, its three parts, coverage
    summarise(table, by=("model", "horizon"))
    compare_models(table, baseline="baseline")              # relative skill, pairwise

    r = estimate_r(cases, discretise(4.5, 2.6))             # Cori, 7-day windows
    nowcast(triangle_of(reports), at=date(2023, 1, 14))     # what is still to be reported

Every table is an Arrow table; every result follows from what is passed in and a seed: no files, clock or network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.epidemic.quantiles import LEVELS

# Compiled loops and statistics libraries take seconds to load: only who uses them waits.
_HOMES = {
    "alarms": ("detect",),
    "beds": ("Stay", "first_passing", "fit_stay", "forecast_beds", "occupancy_from", "passes_limit"),
    "calibration": ("coverage", "pit"),
    "cohorts": ("cohort_r",),
    "comparisons": ("compare_models",),
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
    "triangles": ("Triangle", "triangle_of"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "LEVELS",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the epidemic engines have no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
