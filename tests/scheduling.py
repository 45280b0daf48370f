"""Which worker takes which tests, and when: the long files first, so that no worker stands idle while another ends one."""

from typing import Any

import pytest

# By what they take; two that compile the same loops, or start the same server, do not stand beside each other.
_FIRST = (
    "tests/engines/twin/test_simulations.py",
    "tests/security/test_bad_values.py",
    "tests/e2e/",
    "tests/security/test_access_matrix.py",
    "tests/bad_days/test_killed_workers.py",
    "tests/bad_days/test_killed_database.py",
    "tests/bad_days/test_time_passes.py",
    "tests/server/test_prove.py",
    "tests/server/test_backups.py",
    "tests/server/test_durability.py",
    "tests/docs/test_tutorials.py",
    "tests/docs/test_new_module.py",
    "tests/act/transfers/test_between_two_offices.py",
    "tests/bad_days/",
    "tests/security/",
    "tests/server/",
    "tests/engines/twin/test_calibration.py",
    "tests/engines/epidemic/forecasts/test_rounds.py",
    "tests/engines/twin/",
    "tests/engines/epidemic/",
    "tests/engines/tracing/",
)
_TOGETHER = "tests/e2e/"  # one platform and one town for all its files


def _place(item: pytest.Item) -> int:
    return next((place for place, start in enumerate(_FIRST) if item.nodeid.startswith(start)), len(_FIRST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, in the order above instead of by the number of a file's tests."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LongFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _TOGETHER if nodeid.startswith(_TOGETHER) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return LongFirst(config, log)
