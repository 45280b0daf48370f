from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    weeks: int = 4  # how many weeks ahead cases are forecast
    bed_days: int = 14  # how many days ahead occupancies are forecast
    history_days: int = 1_095  # how far back a round looks
    nowcast_days: int = 21  # the latest days whose late reports are estimated
    rt_days: int = 90  # the latest days whose reproduction number a round keeps
    window_days: int = 7  # over which one reproduction number is estimated
    final_days: int = 14  # after so many days a count is taken as final
    fewest_cases: int = 20  # fewer in the last four weeks, and the page says that little can be said
    seed: int = 1  # the same input, settings and seed give the same round
    keep_days: int = 1_830  # rounds and their scores; they hold no personal data
    series_days: int = 1_830  # uploaded values, by the day that they count; they hold no personal data
    import_rows: int = 5_000  # rows that an import checks and stores in one transaction


settings = settings_from_env("forecast", Settings)
