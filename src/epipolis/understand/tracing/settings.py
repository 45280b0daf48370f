from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    keep_days: int = 180  # contacts and traces older than this are erased; the law of the place may say otherwise
    again_hours: int = 12  # a case whose infectious time goes on is traced again after so many hours
    graph_nodes: int = 300  # more nodes than this make a network chart unreadable


settings = settings_from_env("tracing", Settings)
