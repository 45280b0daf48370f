"""What a city would see of a run, held against what was true."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from epipolis.engines import twin
from epipolis.engines.twin.beds import beds_taken
from epipolis.engines.twin.courses import ASYMPTOMATIC
from epipolis.engines.twin.encounters import ATTENUATION, PROXIMITY, encounters_on
from epipolis.engines.twin.geography import METRES_PER_DEGREE
from epipolis.engines.twin.health import health_declarations
from epipolis.engines.twin.laboratories import samples_taken
from epipolis.engines.twin.positions import phone_positions
from epipolis.engines.twin.records import FILES, Coverage, write_records
from epipolis.engines.twin.reporting import SYMPTOMS
from epipolis.engines.twin.visits import epoch_of

from .factories import MONDAY

DAYS = 24


def start(city, response=twin.USUAL_RESPONSE):
    disease = replace(twin.load_disease("covid_19_ancestral"), introduced_per_100k=600)
    return twin.start_run(city, disease, response, seed=3, start=MONDAY)


@pytest.fixture(scope="module")
def city():
    return twin.build_city(4_000, seed=3)


@pytest.fixture(scope="module")
def lived(city):
    return list(twin.days_of(start(city), DAYS))


def column(table, name):
    return np.asarray(table.column(name))


def midnight(run, number):
    return epoch_of(run.start, number, run.city.utc_offset)


def test_there_are_as_many_samples_as_tests_were_counted(lived):
    for run, _day in lived:
        samples = samples_taken(run)
        assert samples.num_rows == run.response.tests
        assert (column(samples, "result_at") > column(samples, "sampled_at")).all()


def test_positive_samples_are_those_of_the_confirmed_and_nobody_elses(lived):
    samples = pa.concat_tables(samples_taken(run) for run, _ in lived)
    positive = samples.filter(pc.equal(samples.column("result").cast(pa.string()), "positive"))
    end = midnight(lived[-1][0], DAYS)
    confirmed = {
        case["person"]: case["confirmed_at"] for _, day in lived for case in day.cases.to_pylist() if case["confirmed_at"]
    }

    told = {row["person"]: row["result_at"] for row in positive.to_pylist() if row["result_at"] < end}
    assert told == confirmed
    assert len(told) > 20
    infected = set(column(lived[-1][0].truth, "person").tolist())
    assert set(column(positive, "person").tolist()) <= infected
    assert 0.5 < np.mean(~np.isin(column(samples, "person"), list(infected))) < 0.99
    ct = positive.column("ct").drop_null()
    assert pc.min(ct).as_py() >= 12
    assert 17 < pc.mean(ct).as_py() < 27


def test_encounters_are_between_two_owners_of_the_app_who_were_together(lived):
    run, day = lived[8]
    found = encounters_on(run, day, uptake=0.5)
    out = found.filter(found.column("place").is_valid())
    visits = day.visits.to_pylist()
    stays = {}
    for visit in visits:
        stays.setdefault((visit["visitor"], visit["place"]), []).append((visit["arrived"], visit["left"]))

    assert (column(found, "person") < column(found, "other")).all()
    assert (run.city.homes.age[column(found, "person")] >= 10).all()
    for row in out.to_pylist():
        shared = [
            min(a[1], b[1]) - max(a[0], b[0])
            for a in stays[row["person"], row["place"]]
            for b in stays[row["other"], row["place"]]
            if row["starts"] == max(a[0], b[0])
        ]
        assert 5 <= row["minutes"] <= max(shared) / 60
    assert out.num_rows > 500


def test_encounters_at_home_are_within_one_household(lived):
    run, day = lived[8]
    found = encounters_on(run, day, uptake=1.0)
    home = found.filter(found.column("place").is_null())
    household = run.city.homes.household

    assert (household[column(home, "person")] == household[column(home, "other")]).all()
    sizes = np.bincount(household[(run.city.homes.age >= 10) & ~run.city.duties.is_resident])
    assert 0.97 * (sizes * (sizes - 1) // 2).sum() <= home.num_rows <= (sizes * (sizes - 1) // 2).sum()


def test_attenuation_lies_within_its_class(lived):
    found = encounters_on(*lived[8])
    number = np.array([PROXIMITY.index(name) for name in found.column("proximity").to_pylist()])
    edges = np.array(ATTENUATION)

    assert (edges[number] <= column(found, "attenuation")).all()
    assert (column(found, "attenuation") < edges[number + 1]).all()
    assert set(number) == {0, 1, 2, 3}


def test_who_infected_somebody_in_a_place_was_heard_where_both_have_the_app(lived):
    checked = 0
    for run, day in lived:
        found = encounters_on(run, day, uptake=1.0)
        pairs = {
            frozenset(pair) for pair in zip(column(found, "person").tolist(), column(found, "other").tolist(), strict=True)
        }
        for row in day.infections.filter(day.infections.column("place").is_valid()).to_pylist():
            ages = run.city.homes.age[[row["person"], row["infector"]]]
            if ages.min() >= 10:
                assert frozenset((row["person"], row["infector"])) in pairs
                checked += 1
    assert checked > 20


def test_nobody_has_encounters_without_the_app_and_a_wrong_share_is_refused(lived):
    run, day = lived[5]

    assert encounters_on(run, day, uptake=0.0).num_rows == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        encounters_on(run, day, uptake=1.5)


def test_positions_err_as_they_say(lived):
    run, day = lived[10]
    fixes = phone_positions(run, day, others=0.3, every_minutes=30)
    lat, lon, true_lat, true_lon = (column(fixes, name) for name in ("lat", "lon", "true_lat", "true_lon"))
    north = (lat - true_lat) * METRES_PER_DEGREE
    east = (lon - true_lon) * METRES_PER_DEGREE * np.cos(np.radians(true_lat))
    within = np.hypot(north, east) <= column(fixes, "accuracy_m")

    assert fixes.num_rows > 20_000
    assert 0.65 < within.mean() < 0.70
    assert set(column(fixes, "person").tolist()) <= set(range(4_000))


def test_positions_follow_the_visits_and_are_at_home_between(lived):
    run, day = lived[10]
    fixes = phone_positions(run, day, others=0.05)
    stays = {}
    for visit in day.visits.to_pylist():
        stays.setdefault(visit["visitor"], []).append((visit["arrived"], visit["left"], visit["place"]))

    for row in fixes.to_pylist():
        there = {place for arrived, left, place in stays.get(row["person"], []) if arrived <= row["at"] < left}
        assert (row["true_place"] in there) if there else (row["true_place"] is None)


def test_whoever_must_stay_at_home_is_followed_and_is_at_home(city):
    ordered = np.arange(0, 4_000, 40)
    run, day = twin.step(start(city), at_home=ordered)
    fixes = phone_positions(run, day, at_home=ordered, others=0.0)

    assert set(column(fixes, "person").tolist()) <= set(ordered.tolist())
    assert len(set(column(fixes, "person").tolist())) > 90
    assert column(fixes, "ordered").all()
    assert fixes.column("true_place").null_count == fixes.num_rows
    per_person = fixes.num_rows / len(set(column(fixes, "person").tolist()))
    assert 80 < per_person < 96


def test_the_ill_declare_the_symptoms_of_their_case_and_others_cough_too(lived):
    run, _day = lived[-1]
    declared = health_declarations(run, share=1.0)
    rows = run.epidemic.infections
    number = run.day - 1
    ill = (rows["course"] != ASYMPTOMATIC) & (rows["onset"] <= number) & (number < rows["over_on"])
    ill &= number < rows["onset"] + 10
    symptoms = dict(zip(column(declared, "person").tolist(), declared.column("symptoms").to_pylist(), strict=True))
    answered = [symptoms[person] for person in rows["person"][ill].tolist() if person in symptoms]

    assert len(answered) > 10
    assert all(answered)
    assert set().union(*map(set, symptoms.values())) <= set(SYMPTOMS)
    others = [names for person, names in symptoms.items() if person not in set(rows["person"].tolist())]
    assert 0.003 < np.mean([bool(names) for names in others]) < 0.02
    fever = [("fever" in row["symptoms"], row["temperature"]) for row in declared.to_pylist() if row["temperature"]]
    assert all((degrees >= 38) == hot for hot, degrees in fever)


def test_hospitals_report_the_patients_of_the_truth(city):
    run, _day = list(twin.days_of(start(city), 40))[-1]
    number, rows = run.day - 1, run.epidemic.infections
    inside = (rows["severe_on"] <= number) & (number < rows["over_on"])
    reports = beds_taken(run)

    assert inside.sum() > 0
    assert column(reports, "ward_infected").sum() + column(reports, "icu_infected").sum() == inside.sum()
    assert (column(reports, "reported_at") > midnight(run, run.day)).all()
    assert reports.column("date").to_pylist() == [run.start + timedelta(days=number)]


def test_the_same_run_gives_the_same_records(city, lived):
    again = list(twin.days_of(start(city), 6))[-1]

    for make in (
        lambda run, day: samples_taken(run),
        encounters_on,
        phone_positions,
        lambda run, day: health_declarations(run),
    ):
        assert make(*again).equals(make(*lived[5]))


def test_all_files_are_written_as_they_are_described(city, tmp_path):
    folder = tmp_path / "records"
    write_records(twin.days_of(start(city), 6), folder, coverage=Coverage(positions=0.02))

    assert {name for name in FILES if not (folder / name).exists()} == set()
    words = (folder / "README.md").read_text()
    assert all(f"`{name}`" in words for name in FILES)
    seen, true = pq.read_table(folder / "positions.parquet"), pq.read_table(folder / "truth/positions.parquet")
    assert seen.num_rows == true.num_rows > 0
    ordered = true.filter(seen.column("ordered"))
    assert ordered.num_rows == ordered.column("true_place").null_count > 0
    assert not [name for name in seen.column_names if name.startswith("true_")]
    laboratory = pq.read_table(folder / "laboratory.parquet")
    assert 0 < laboratory.column("result").null_count < laboratory.num_rows
    assert laboratory.column("result").null_count == laboratory.column("result_at").null_count
    assert "place" not in pq.read_schema(folder / "encounters.parquet").names


def test_a_folder_that_is_there_stays_and_no_half_is_left_behind(city, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="nothing is overwritten"):
        write_records(twin.days_of(start(city), 2), tmp_path / "mine")

    def broken():
        yield next(twin.days_of(start(city), 1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(broken(), tmp_path / "new")
    with pytest.raises(ValueError, match="no day"):
        write_records(iter(()), tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
