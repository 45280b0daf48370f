"""The public names of the epidemic engines are true, and cost nothing until they are used."""

import ast
import subprocess
import sys
from inspect import getdoc
from pathlib import Path

import pytest

from epipolis.engines import epidemic


@pytest.mark.parametrize("name", epidemic.__all__)
def test_every_public_name_is_there_and_has_words(name: str) -> None:
    thing = getattr(epidemic, name)
    assert getdoc(thing)
    assert not callable(thing) or thing.__module__.startswith("epipolis.engines.epidemic.")


def test_types_homes_and_public_names_are_the_same() -> None:
    source = ast.parse(Path(epidemic.__file__).read_text(encoding="utf-8"))
    (checked,) = (node for node in source.body if isinstance(node, ast.If))
    typed = [(str(one.module), alias.name) for one in checked.body if isinstance(one, ast.ImportFrom) for alias in one.names]
    homes = [(f"{epidemic.__name__}.{home}", name) for home, names in epidemic._HOMES.items() for name in names]
    assert sorted(typed) == sorted(homes)
    assert sorted(name for _, name in homes) == sorted(epidemic.__all__)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="the epidemic engines have no oracle"):
        epidemic.oracle  # noqa: B018 -- the look-up itself is tested


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, epipolis.engines.epidemic as e; print([m for m in ('numba', 'scipy', 'sklearn') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"
