"""Hot spots: planted clusters are found where and when they are, and chance alone gives p values as it should."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.epidemic.scans import scan, skipped_in

rng = np.random.default_rng(11)
AREAS, DAYS = 60, 60
PLACES = np.c_[rng.uniform(121.45, 121.65, AREAS), rng.uniform(24.97, 25.17, AREAS)]
PEOPLE = rng.integers(2_000, 9_000, AREAS).astype(float)
HOT = np.argsort(((PLACES - PLACES[7]) ** 2).sum(axis=1))[:6]


def chance(seed, scale=0.3):
    return np.random.default_rng(seed).poisson(scale * PEOPLE[:, None] / PEOPLE.mean(), (AREAS, DAYS)).astype(float)


def planted(seed=1, days=slice(52, 60), extra=2.0):
    counts = chance(seed)
    counts[HOT, days] += np.random.default_rng(seed + 100).poisson(extra, counts[HOT, days].shape)
    return counts


@pytest.mark.parametrize("people", [PEOPLE, None])
def test_an_outbreak_going_on_is_found_in_its_place_and_time(people):
    cluster = scan(planted(), PLACES, people, draws=199, seed=1, last_day=date(2026, 3, 1)).to_pylist()[0]

    inside = {int(area) for area in cluster["areas"]}
    assert cluster["p"] == pytest.approx(1 / 200)
    assert len(inside & set(HOT.tolist())) >= 5
    assert len(inside) <= 8
    assert abs(cluster["first_step"] - 52) <= 1
    assert cluster["last_day"] == date(2026, 3, 1)
    assert cluster["recurrence"] == pytest.approx(200)
    assert cluster["p_gumbel"] < 0.005


def test_an_outbreak_that_is_over_is_found_by_looking_back_only():
    counts = planted(days=slice(20, 27))

    back = scan(counts, PLACES, PEOPLE, draws=39, longest=10, share=0.2, prospective=False).to_pylist()[0]
    now = scan(counts, PLACES, PEOPLE, draws=39, longest=10, share=0.2).to_pylist()[0]

    assert back["p"] <= 0.05
    assert (abs(back["first_step"] - 20) <= 1, abs(back["last_step"] - 26) <= 1) == (True, True)
    assert now["p"] > 0.05


def test_two_outbreaks_are_told_one_after_the_other_without_shared_areas():
    counts = planted()
    far = np.argsort(-((PLACES - PLACES[7]) ** 2).sum(axis=1))[:3]
    counts[far, 50:] += np.random.default_rng(3).poisson(2.0, counts[far, 50:].shape)

    clusters = scan(counts, PLACES, PEOPLE, draws=99).to_pylist()

    one, two = ({int(area) for area in cluster["areas"]} for cluster in clusters[:2])
    assert not one & two
    assert {frozenset(one & set(HOT.tolist())), frozenset(two & set(HOT.tolist()))} >= {frozenset()}
    assert clusters[1]["p"] <= 0.05


def test_a_rise_in_all_areas_at_once_is_no_place_for_the_permutation_model():
    counts = chance(5)
    counts[:, 50:] += chance(6, 0.9)[:, 50:]

    assert scan(counts, PLACES, draws=99, seed=2).to_pylist()[0]["p"] > 0.05


@pytest.mark.parametrize("people", [PEOPLE, None])
def test_chance_alone_gives_small_p_values_as_rarely_as_they_say(people):
    found = [
        scan(chance(seed, 0.1), PLACES, people, longest=7, draws=99, seed=seed, most=1)["p"][0].as_py() for seed in range(120)
    ]

    assert abs(np.mean(found) - 0.5) < 0.08
    assert 1 <= (np.array(found) <= 0.1).sum() <= 23  # 12 expected


def test_the_ratio_is_that_of_kulldorff_by_hand():
    counts = np.array([[1.0, 1, 1, 9], [2, 2, 2, 2]])
    cluster = scan(counts, np.array([[0.0, 0], [1, 0]]), np.array([10.0, 10]), longest=1, draws=9).to_pylist()[0]

    inside, expected, total = 9, 20 * 0.5 * 0.25, 20
    by_hand = inside * np.log(inside / expected) + (total - inside) * np.log((total - inside) / (total - expected))
    assert cluster["llr"] == pytest.approx(by_hand)
    assert (cluster["observed"], cluster["expected"]) == (9, 2.5)


@pytest.mark.parametrize("people", [PEOPLE, None])
@pytest.mark.parametrize("prospective", [True, False])
def test_the_passing_over_of_circles_loses_no_highest_ratio(people, prospective):
    from epipolis.engines.epidemic.circles import circles_of
    from epipolis.engines.epidemic.scans import _study
    from epipolis.engines.epidemic.windows import _highest, best_windows

    for seed, counts in enumerate([chance(1), chance(2, 0.02), planted()]):
        study = _study(counts.astype(np.int64), people, 9, 1, prospective)
        circles = circles_of(PLACES, study.weight / study.total, share=0.5 + seed / 10, radius=None, planar=False)

        ratios, _, _ = best_windows(study.sums, circles, study.weight, study.part, study.total)
        sums = study.sums.astype(np.float32)
        highest = _highest(sums, circles.order, circles.sizes, study.weight, study.part, study.total)

        assert highest == pytest.approx(ratios.max(), rel=1e-12)


def test_the_same_seed_gives_the_same_answer():
    assert scan(planted(), PLACES, PEOPLE, draws=120, seed=4).equals(scan(planted(), PLACES, PEOPLE, draws=120, seed=4))


def test_areas_without_place_or_people_are_left_out_and_named():
    places, people = PLACES.copy(), PEOPLE.copy()
    places[3], people[4], people[5] = np.nan, 0, np.nan

    clusters = scan(planted(), places, people, draws=19)

    assert skipped_in(clusters) == ["3", "4", "5"]
    assert not {"3", "4", "5"} & {area for row in clusters.to_pylist() for area in row["areas"]}


def test_tables_of_cases_places_and_people_do_as_well():
    counts = planted()
    days = [date(2026, 1, 1) + timedelta(days=day) for _ in range(AREAS) for day in range(DAYS)]
    names = [f"village {area}" for area in range(AREAS)]
    cases = pa.table({"area": [name for name in names for _ in range(DAYS)], "day": days, "value": counts.ravel()})
    places = pa.table({"area": names[:-1], "lon": PLACES[:-1, 0], "lat": PLACES[:-1, 1]})

    clusters = scan(cases, places, dict(zip(names, PEOPLE, strict=True)), draws=19)

    assert skipped_in(clusters) == ["village 59"]
    assert clusters["last_day"][0].as_py() == date(2026, 3, 1)
    assert clusters["centre"][0].as_py().startswith("village")


@pytest.mark.parametrize(
    "counts", [np.zeros((AREAS, DAYS)), np.eye(AREAS, DAYS)[[0] * AREAS] * (np.arange(AREAS) == 0)[:, None]]
)
def test_no_case_and_one_single_case_are_no_cluster(counts):
    clusters = scan(counts, PLACES, PEOPLE, draws=9)

    assert clusters.num_rows == 0
    assert skipped_in(clusters) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": np.where(np.arange(DAYS) == 3, -1.0, 1.0) * np.ones((AREAS, 1))}, "0 has -1 cases on day 4"),
        ({"coordinates": PLACES[:5]}, "coordinates have the shape"),
        ({"coordinates": PLACES[:, ::-1]}, "out of range"),
        ({"population": PEOPLE[:5]}, "population has the shape"),
        ({"population": -PEOPLE}, "fewer than no people"),
        ({"share": 0}, "share is 0"),
        ({"draws": 0}, "draws are 0"),
        ({"longest": 99}, "longest window is 99 days"),
        ({"cases": np.zeros(5)}, "1 dimensions"),
    ],
)
def test_what_cannot_be_scanned_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        scan(**{"cases": planted(), "coordinates": PLACES, "population": PEOPLE, "draws": 9} | change)


def test_ten_thousand_areas_are_scanned_at_once():
    places = np.random.default_rng(1).uniform(0, 100, (10_000, 2))
    counts = np.random.default_rng(2).poisson(0.05, (10_000, 14)).astype(float)
    counts[np.argsort(((places - 50) ** 2).sum(axis=1))[:20], 10:] += 2

    cluster = scan(counts, places, longest=7, draws=9, planar=True).to_pylist()[0]

    assert cluster["p"] == pytest.approx(0.1)
    assert len(cluster["areas"]) >= 18


def test_real_cases_of_rabies_cluster_in_space_and_time(shared_data):
    from pyarrow import csv

    points = csv.read_csv(shared_data / "linelists" / "rabies_car_2003_points.csv")
    days = points["date"].to_pylist()
    week = np.array([(day - min(days)).days // 28 for day in days])
    counts = np.zeros((len(days), week.max() + 1))
    counts[np.arange(len(days)), week] = 1
    places = np.c_[points["longitude"].to_numpy(), points["latitude"].to_numpy()]

    clusters = scan(counts, places, longest=12, share=0.3, prospective=False, draws=49, seed=1)

    assert clusters["p"][0].as_py() <= 0.1
