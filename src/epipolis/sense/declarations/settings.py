from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    keep_days: int = 30  # a declaration is erased after so many days; a case that came of it keeps its own facts
    code_days: int = 60  # a return code opens for so long after the last declaration
    code_failures: int = 10  # wrong tries before a code is locked
    most_members: int = 15
    smallest_cell: int = 5  # counts below this are not shown by place
    disease: str = "covid19"  # of which a declared illness is suspected


settings = settings_from_env("declarations", Settings)
