"""Every write of the scenarios."""

from .runs import TASK, begin_of, build_city, cancel_run, compute_run, make_first_scenarios, start_run
from .scenarios import (
    archive_scenario,
    change_scenario,
    copy_scenario,
    import_scenario,
    make_scenario,
    restore_version,
    share_scenario,
)

__all__ = [
    "TASK",
    "archive_scenario",
    "begin_of",
    "build_city",
    "cancel_run",
    "change_scenario",
    "compute_run",
    "copy_scenario",
    "import_scenario",
    "make_first_scenarios",
    "make_scenario",
    "restore_version",
    "share_scenario",
    "start_run",
]
