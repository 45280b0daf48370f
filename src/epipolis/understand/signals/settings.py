from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    judge_days: int = 7  # the latest days that each look judges: late reports may still lift an earlier one
    judge_weeks: int = 2  # the same for weekly series
    shown_days: int = 56  # days of the course that a signal keeps with it
    draws: int = 999  # how often chance is tried in the search for hot spots
    seed: int = 1  # the same data, rules and seed give the same signals
    stale_days: int = 14  # a series without a newer value is told to be silent
    keep_days: int = 1_830  # signals and what was thought of them; they hold no data of patients


settings = settings_from_env("signals", Settings)
