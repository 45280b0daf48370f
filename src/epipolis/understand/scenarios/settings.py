from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    most_people: int = 3_000_000  # a larger procedural city is refused: it would take the machine for too long
    most_days: int = 730  # the longest run
    most_seeds: int = 50  # the most repetitions of one scenario
    most_measures: int = 30  # the longest list of orders in one scenario
    under_reporting: float = 4.0  # infections for each reported case, where nobody says otherwise
    ward_beds_per_100k: float = 250.0  # the line in the beds chart, where nobody says otherwise
    icu_beds_per_100k: float = 12.0  # the same for intensive care
    money: str = ""  # the word after every amount of money, such as EUR; costs are what the measures say


settings = settings_from_env("scenarios", Settings)
