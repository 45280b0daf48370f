"""What a city may set for check-ins by EPIPOLIS_CHECKINS_… variables; the rules themselves are rule packs."""

from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    rows_a_batch: int = 50_000  # rows of a file or bulk request that are stored in one transaction
    bulk_rows: int = 200_000  # most rows in one bulk request
    peer_check_ins: int = 120  # check-ins a minute from one network address; a whole building may share one
    cache_seconds: float = 3.0  # how long a place's data may be old when a check-in is judged


settings = settings_from_env("checkins", Settings)
