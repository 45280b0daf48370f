"""The tutorials are run: a block that fails here would fail for a reader."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "tutorial"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each block of the first tutorial prints, on an installation of its own."""
    there = tmp_path_factory.mktemp("tutorial")
    env = os.environ | {"EPIPOLIS_HOME": str(there / "var"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    shell = ["bash", "-euc"]
    return [
        subprocess.run([*shell, text], cwd=there, env=env, capture_output=True, text=True, check=True).stdout
        for text in blocks("first-case.md", "sh")
    ]


def test_a_dry_run_names_the_row_and_the_rule(outputs):
    assert "rejected 1" in outputs[1] or "warnings 1" in outputs[1]
    assert "2026-13-40" in outputs[1]


def test_the_same_file_twice_changes_nothing(outputs):
    second = json.loads(outputs[2].splitlines()[-1])

    assert (second["created"], second["changed"]) == (0, 0)
    assert second["unchanged"] == second["accepted"] > 1


def test_the_visits_belong_to_the_people_of_the_line_list(outputs):
    report = json.loads(outputs[3].splitlines()[-1])

    assert (report["accepted"], report["rejected"]) == (3, 0)


def test_the_two_guests_of_the_cafe_are_contacts(outputs):
    found = json.loads(outputs[4])

    pairs = {(pair["case_number"], pair["contact"], pair["place"]) for pair in found["pairs"]}
    assert ("K-1", "K-2", "CAFE") in pairs
    assert {pair["place"] for pair in found["pairs"]} == {"CAFE"}


def test_the_line_list_comes_out_again(outputs):
    assert "K-1" in outputs[5]


def test_the_engines_page_runs_as_written():
    space = {}
    for text in blocks("engines.md", "python"):
        exec(text, space)  # noqa: S102 -- the page's own code

    assert space["infected"] > 0


def test_the_page_of_the_city_twin_runs_as_written():
    space = {}
    for text in blocks("city-twin.md", "python"):
        exec(text, space)  # noqa: S102 -- the page's own code

    changes = {row["what"]: row["change"] for row in space["comparison"].totals.to_pylist() if row["change"] is not None}
    assert space["summary"]["attack_rate"] > 0.3
    assert changes["infections"] < -0.2


def test_the_page_of_forecasts_runs_as_written():
    space = {}
    for text in blocks("forecasts.md", "python"):
        exec(text, space)  # noqa: S102 -- the page's own code

    skill = {row["model"]: row["scaled_skill"] for row in space["skill"]}
    assert skill["baseline"] == 1.0
    assert skill["ensemble"] < 1.0
    assert space["four_days_ago"]["known"] <= space["four_days_ago"]["expected"]
    assert 0 < space["latest"]["q2.5"] < space["latest"]["mean"] < space["latest"]["q97.5"]
