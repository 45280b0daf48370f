import itertools
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from epipolis.engines.twin import COVID_19_ANCESTRAL, USUAL_RESPONSE, build_city, days_of, start_run
from tests.engines.twin.factories import MONDAY


@pytest.fixture(scope="module")
def story():
    """Run, and every case record of 60 days in the order in which it became known."""
    run = start_run(build_city(20_000, seed=2), COVID_19_ANCESTRAL, USUAL_RESPONSE, seed=2, start=MONDAY)
    records = []
    for after, day in days_of(run, 60):
        records += [(day.date, record) for record in day.cases.to_pylist()]
        run = after
    return run, records


def histories(records):
    by_person = {}
    for _, record in records:
        by_person.setdefault(record["person"], []).append(record)
    return by_person


def local(run, seconds):
    return datetime(1970, 1, 1) + timedelta(seconds=seconds) + run.city.utc_offset  # noqa: DTZ001 -- local clock time


def test_records_leave_in_order_on_the_day_on_which_they_become_known(story):
    run, records = story
    known = [record["known_at"] for _, record in records]

    assert known == sorted(known)
    assert all(local(run, record["known_at"]).date() == day for day, record in records)
    assert {local(run, seconds).hour for seconds in known} <= set(range(8, 20))


def test_every_case_is_an_infection_and_most_infections_stay_unseen(story):
    run, records = story
    truth = {row["infected"]: row for row in run.truth.to_pylist()}
    cases = histories(records)

    assert set(cases) <= set(truth)
    old = [row for row in truth.values() if row["day"] < 45]
    assert 0.1 < sum(row["infected"] in cases for row in old) / len(old) < 0.4
    for person, revisions in cases.items():
        onsets = {record["onset"] for record in revisions} - {None}
        assert onsets <= {truth[person]["onset"]}


def test_revisions_are_counted_and_never_forget(story):
    for revisions in histories(story[1]).values():
        assert [record["revision"] for record in revisions] == list(range(1, len(revisions) + 1))
        for earlier, later in itertools.pairwise(revisions):
            assert earlier["known_at"] < later["known_at"]
            for name in ("onset", "sampled", "reported", "confirmed_at", "setting", "hospitalised"):
                assert earlier[name] in (None, later[name])


def test_classification_only_moves_up(story):
    rank = {"suspected": 0, "probable": 1, "confirmed": 2}
    seen = set()
    for revisions in histories(story[1]).values():
        steps = [rank[record["classification"]] for record in revisions]
        seen.add(tuple(record["classification"] for record in revisions[:2]))
        assert steps == sorted(steps)
        assert not {1, 2} <= set(steps)

    assert ("suspected", "confirmed") in seen
    assert ("confirmed", "confirmed") in seen
    assert ("suspected", "probable") in seen


def test_dates_follow_each_other(story):
    run, records = story
    for day, record in records:
        assert record["sampled"] <= record["reported"] <= day
        if record["onset"] and run.start < record["onset"]:
            assert record["onset"] <= record["sampled"]
        assert (record["confirmed_at"] is None) == (record["classification"] != "confirmed")
        assert record["confirmed_at"] is None or record["confirmed_at"] <= record["known_at"]
        assert (record["outcome"] is None) == (record["outcome_date"] is None)
        assert record["outcome_date"] is None or record["outcome_date"] <= day


def test_onsets_come_late_and_outcomes_last(story):
    complete = [revisions for revisions in histories(story[1]).values() if revisions[-1]["outcome"]]

    assert len(complete) > 20
    assert all(record["outcome"] is None for revisions in complete for record in revisions[:-1])
    filled = [revisions[0]["onset"] is None and revisions[-1]["onset"] is not None for revisions in complete]
    assert 0.1 < np.mean(filled) < 0.7


def test_settings_are_those_of_the_truth(story):
    run, records = story
    truth = {row["infected"]: row for row in run.truth.to_pylist()}
    kinds = run.city.places.column("kind").to_pylist()
    known = [record for _, record in records if record["setting"]]

    for record in known:
        row = truth[record["person"]]
        assert record["setting_place"] == row["place"]
        assert record["setting"] == (row["setting"] if row["place"] is None else kinds[row["place"]])
    assert {"household", "abroad", "workplace"} <= {record["setting"] for record in known}


def test_symptoms_are_named_for_the_ill_alone(story):
    run, records = story
    course = {row["infected"]: row["course"] for row in run.truth.to_pylist()}

    assert all(bool(record["symptoms"]) == (course[record["person"]] != "asymptomatic") for _, record in records)


def test_fewer_cases_are_reported_at_weekends(story):
    first = [revisions[0]["reported"] for revisions in histories(story[1]).values()]
    weekdays = np.bincount([day.weekday() for day in first], minlength=7)

    assert weekdays[5:].mean() < 0.8 * weekdays[:5].mean()
    assert isinstance(first[0], date)
