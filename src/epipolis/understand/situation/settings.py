from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    active_days: int = 28  # a case without a known outcome counts as active for so many days after its report
    smallest_cell: int = 5  # published counts from 1 to one less than this are hidden
    delay_days: int = 28  # delays are measured over cases reported in so many days


settings = settings_from_env("situation", Settings)
