"""The tutorial "add a module in ten minutes", done for real in a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.new_module import make_module

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with one more module."""
    there = tmp_path_factory.mktemp("project")
    for name in ("src", "tests", "docs"):
        shutil.copytree(ROOT / name, there / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    shutil.copy(ROOT / "pyproject.toml", there)
    if (ROOT / "node_modules").is_dir():
        (there / "node_modules").symlink_to(ROOT / "node_modules")
    make_module(there, "act", "parcels")
    return there


def run(copy, *command):
    env = os.environ | {"PYTHONPATH": f"{copy / 'src'}:{copy}", "EPIPOLIS_HOME": str(copy / "var")}
    env.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run([sys.executable, *command], cwd=copy, env=env, capture_output=True, text=True, check=False)


def test_a_new_folder_is_a_module_with_a_page_and_a_passing_test(copy):
    done = run(copy, "-m", "pytest", "-q", "tests/act/parcels")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_module_of_the_same_name_is_refused(copy):
    with pytest.raises(ValueError, match="already"):
        make_module(copy, "act", "parcels")


def test_a_file_outside_the_one_shape_fails_the_check(copy):
    (copy / "src" / "epipolis" / "act" / "parcels" / "utils.py").write_text("x = 1\n")

    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    (copy / "src" / "epipolis" / "act" / "parcels" / "utils.py").unlink()
    assert done.returncode == 1, done.stdout
