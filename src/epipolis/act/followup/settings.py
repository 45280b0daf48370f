from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    keep_days: int = 180  # follow-ups that ended longer ago are erased with all that belongs to them
    call_early_minutes: int = 15  # a promised call comes to the top of the list so long before
    import_rows: int = 5_000  # rows that an import stores in one transaction
    disease: str = "COVID-19"  # of imported contacts whose case is not in the line list and that name none
    hotline: str = ""  # the telephone number that the self-report page shows


settings = settings_from_env("followup", Settings)
