from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    disease: str = "COVID-19"  # of rows and reports that name none
    early_report_days: int = 14  # a report this much earlier than the onset of symptoms is possible, but worth a warning
    import_rows: int = 5_000  # rows that an import checks and stores in one transaction


settings = settings_from_env("cases", Settings)
