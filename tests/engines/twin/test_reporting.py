import itertools
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from epipolis.engines.twin import USUAL_RESPONSE, Immunity, build_city, days_of, start_run
from tests.engines.twin.factories import MONDAY, busy


@pytest.fixture(scope="module")
def story():
    """Run, and every case record of 60 days in the order in which it became known."""
    disease = busy(150, immunity=Immunity(1.0))
    run = start_run(build_city(8_000, seed=2), disease, USUAL_RESPONSE, seed=2, start=MONDAY)
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


def truth_of(run):
    """By person, with onset as a date; nobody is infected twice here."""
    rows = {row["person"]: row for row in run.truth.to_pylist()}
    assert len(rows) == run.truth.num_rows
    for row in rows.values():
        row["onset"] = None if row["onset_day"] is None else run.start + timedelta(days=row["onset_day"])
    return rows


def test_every_case_is_an_infection_and_most_infections_stay_unseen(story):
    run, records = story
    truth, cases = truth_of(run), histories(records)

    assert set(cases) <= set(truth)
    old = [row for row in truth.values() if row["infected_day"] < 45]
    assert 0.1 < sum(row["person"] in cases for row in old) / len(old) < 0.5
    for person, revisions in cases.items():
        onsets = {record["onset"] for record in revisions} - {None}
        assert onsets <= {truth[person]["onset"]}


def test_confirmed_cases_are_those_of_the_truth(story):
    run, records = story
    confirmed = {record["person"]: local(run, record["confirmed_at"]).date() for _, record in records if record["confirmed_at"]}

    due = {
        row["person"]: run.start + timedelta(days=row["confirmed_day"])
        for row in run.truth.to_pylist()
        if row["confirmed_day"] is not None
    }
    assert confirmed == due
    assert len(due) > 100


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

    assert ("suspected", "confirmed") in seen
    assert ("confirmed", "confirmed") in seen
    assert ("suspected", "probable") in seen


def test_dates_follow_each_other(story):
    for day, record in story[1]:
        assert record["sampled"] <= record["reported"] <= day
        assert record["onset"] is None or record["onset"] <= day
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
    truth = truth_of(run)
    kinds = run.city.places.column("kind").to_pylist()
    known = [record for _, record in records if record["setting"]]

    for record in known:
        row = truth[record["person"]]
        assert record["setting_place"] == row["place"]
        # Who was met by chance is not remembered: the city takes them for someone of the household.
        told = "household" if row["setting"] == "passing" else row["setting"]
        assert record["setting"] == (told if row["place"] is None else kinds[row["place"]])
    assert {"household", "abroad", "workplace"} <= {record["setting"] for record in known}


def test_symptoms_are_named_for_the_ill_alone(story):
    run, records = story
    truth = truth_of(run)

    for day, record in records:
        onset = truth[record["person"]]["onset"]
        assert bool(record["symptoms"]) == (onset is not None and onset <= day)


def test_fewer_cases_are_reported_at_weekends(story):
    first = [revisions[0]["reported"] for revisions in histories(story[1]).values()]
    weekdays = np.bincount([day.weekday() for day in first], minlength=7)

    assert weekdays[5:].mean() < 0.8 * weekdays[:5].mean()
    assert isinstance(first[0], date)
