"""`epipolis calibrate`: the figures that went in come out, and what cannot be used is refused in one sentence."""

import json
from datetime import date

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from epipolis.engines import twin
from epipolis.server.commands import calibrate as command

SMALL = ("--people", "3000", "--seeds", "3", "--tries", "24", "--what", "infections", "--fit", "transmissibility")


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """The infections of a simulated city, as if somebody had counted them."""
    city, covid = twin.build_city(3_000, seed=1), twin.load_disease("covid_19_ancestral")
    curve = twin.simulate(city, covid, days=40, seed=9, start=date(2026, 2, 2)).curve
    path = tmp_path_factory.mktemp("seen") / "seen.csv"
    pc.write_csv(pa.table({"date": curve.column("date"), "count": curve.column("infections")}), path)
    return path


@pytest.fixture
def run():
    app = typer.Typer()
    app.command("calibrate")(command.calibrate)

    return lambda *arguments: CliRunner().invoke(app, [str(word) for word in arguments])


def test_the_figure_that_went_in_comes_out_and_both_curves_are_shown(run, observed, tmp_path):
    answer = run(observed, *SMALL, "--out", tmp_path / "fit")

    assert answer.exit_code == 0, answer.output
    (found,) = json.loads((tmp_path / "fit" / "summary.json").read_text())["values"]
    truth = twin.load_disease("covid_19_ancestral").transmissibility
    assert found["figure"] == "transmissibility"
    assert 0.7 * truth < found["value"] < 1.4 * truth
    assert pq.read_table(tmp_path / "fit" / "tries.parquet").num_rows == 24
    assert pq.read_table(tmp_path / "fit" / "curve.parquet").column("date")[0].as_py() == date(2026, 2, 2)
    for words in ("observed", "95 % interval", "from 2026-02-02", "24 tries, 3 runs each, 3,000 people"):
        assert words in answer.output


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("date,count\n2026-02-02,1\n", (), "1 days have a count, but 10 are needed"),
        ("when,count\n1,1\n", (), "either date or day"),
        ("day,count\n" + "".join(f"{n},-1\n" for n in range(20)), (), "below 0"),
        ("", (), "no table that can be read"),
        (None, ("--fit", "luck"), "cannot be fitted"),
        (None, ("--seeds", "1"), "--seeds is 1"),
        (None, ("--tries", "3"), "at least 24 tries"),
        (None, ("--what", "cases"), "Without tests there are no cases"),
        (None, ("--start", "soon"), "--start is 'soon'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(run, observed, tmp_path, text, arguments, why):
    path = observed
    if text is not None:
        path = tmp_path / "seen.csv"
        path.write_text(text)

    answer = run(path, "--people", "1000", "--what", "infections", *arguments)

    assert answer.exit_code == 2, answer.output
    assert why in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    answer = run(tmp_path / "gone.csv")

    assert (answer.exit_code, "gone.csv: No such file" in answer.stderr) == (2, True)
