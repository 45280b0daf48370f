"""`epipolis prove` end to end, and the files of a run taken by the public imports unchanged."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from epipolis.core import clock
from epipolis.engines import twin
from epipolis.engines.twin.records import write_records


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """A small city through the platform, in a process of its own; the answer and the page."""
    folder = tmp_path_factory.mktemp("proof")
    command = [sys.executable, "-m", "epipolis.server", "prove", "--people", "2000", "--days", "20", "--seed", "2"]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "epipolis.server.settings", "TMPDIR": str(folder), "PYTHONWARNINGS": "ignore"}
    env.pop("EPIPOLIS_HOME", None)
    page = folder / "proof.md"
    done = subprocess.run([*command, "--json", "--out", str(page)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), page, folder


def figures(found):
    return {figure["name"]: figure for figure in found["figures"]}


def test_everybody_whom_tracing_lists_really_met_the_case(proof):
    met = figures(proof[0])["precision: listed contacts who really met the case"]

    assert met["of"] > 50
    assert met["value"] == 1.0


def test_whom_tracing_can_find_it_finds(proof):
    found = proof[0]
    counts = list(found["steps"].values())

    assert counts == sorted(counts, reverse=True)
    assert counts[-2] == counts[-1] > 0
    recall = figures(found)["recall: of these, together for 15 minutes"]
    assert (recall["value"], recall["of"]) == (1.0, counts[-1])


def test_the_page_states_every_figure_and_the_command_that_made_it(proof):
    found, page, _folder = proof
    text = page.read_text()

    assert "epipolis prove --people 2000 --days 20 --seed 2" in text
    assert all(figure["name"] in text for figure in found["figures"])
    assert all(step in text for step in found["steps"])
    assert found["settings"]["checks_in"] == 0.6


def test_nothing_is_left_behind(proof):
    assert not list(proof[2].glob("epipolis-proof-*"))


def test_a_page_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    command = [sys.executable, "-m", "epipolis.server", "prove", "--out", str(tmp_path / "no" / "proof.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "is no folder" in done.stderr


@pytest.mark.django_db
def test_the_files_of_a_run_go_through_the_public_imports_unchanged(tmp_path):
    from epipolis.core.imports import ImportOptions
    from epipolis.core.modules import modules
    from epipolis.core.work import silent

    city = twin.build_city(800, seed=4)
    disease = replace(twin.load_disease("covid_19_ancestral"), introduced_per_100k=2_000)
    run = twin.start_run(city, disease, twin.USUAL_RESPONSE, seed=4, start=date(2026, 1, 5))
    write_records(twin.days_of(run, 12), tmp_path / "records")
    now = datetime(2026, 1, 17, 2, tzinfo=UTC)
    with clock.fixed(now):
        loader = next(x for module in modules().values() for x in module.loaders if x.name == "city")
        loaded = loader.run(tmp_path / "records" / "city", by="test", at=now, simulated=True, progress=silent())
        assert not loaded.get("problems")
        for name, file, mapping in (
            ("people", "people.parquet", None),
            ("venues", "venues.csv", None),
            ("visits", "visits.parquet", None),
            ("cases", "cases.csv", "epipolis"),
        ):
            importer = next(x for module in modules().values() for x in module.importers if x.name == name)
            options = ImportOptions(by="test", at=now, mapping=mapping, simulated=True, source="records", progress=silent())
            report = importer.run(tmp_path / "records" / file, options)
            assert (report.rejected, report.accepted > 0) == (0, True), (name, report.problems[:3])
