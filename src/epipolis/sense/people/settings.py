from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    code_days: int = 90  # a return code on paper works for so long after it was issued
    code_failures: int = 5  # wrong guesses after which a return code is locked until staff issue a new one
    code_kept_days: int = 30  # an expired return code is erased after so many more days


settings = settings_from_env("people", Settings)
