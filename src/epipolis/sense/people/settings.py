from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    code_days: int = 90  # a return code on paper works for so long after it was issued
    code_failures: int = 5  # wrong guesses after which a return code is locked until staff issue a new one
    code_kept_days: int = 30  # an expired return code is erased after so many more days
    person_numbers: str = "national_id,passport"  # kinds of number of which a person has one: two that differ are two people
    locked_rows: int = 10  # up to so many rows wait only for who shares a key with them; more wait for all other matching
    compared_at_once: int = 1_000  # people whom the search for doubles compares in one transaction
    compared_a_night: int = 50_000  # people whom the job of the night compares
    key_batch: int = 5_000  # people whose match keys the job makes in one transaction


settings = settings_from_env("people", Settings)
