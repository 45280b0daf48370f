from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    rows: int = 60  # rows of a tree before it folds; more are hard to read
    link_days: int = 120  # cases of so many days are linked again by themselves; older links stay as they are
    shown_clusters: int = 50  # the largest clusters on the overview


settings = settings_from_env("chains", Settings)
