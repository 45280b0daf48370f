"""Scores: by which truth, when, and beside what."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.understand.forecast import queries, services
from epipolis.understand.forecast.models import Forecast, Round, Score
from epipolis.understand.forecast.queries import records

from .factories import NOW, TODAY, add_cases, epidemic, past_rounds, town

pytestmark = pytest.mark.django_db
LEVELS = [0.025, 0.25, 0.5, 0.75, 0.975]
MADE = TODAY - timedelta(days=14)


def forecast(values, *, model="ensemble", target="cases", area="city", horizon=0, made=MADE, **more):
    found, _ = Round.objects.get_or_create(
        made_on=made, team=more.pop("team", ""), known_at=clock.start_of(made),
        defaults={"kind": "nightly", "state": "done", "levels": LEVELS, "asked_at": NOW, "made_at": NOW},
    )  # fmt: skip
    day = more.pop("day", made + timedelta(days=6 + 7 * horizon))
    return Forecast.objects.create(
        round=found, model=model, target=target, area=area, step=7, horizon=horizon, day=day, values=values, **more
    )


def reported(day, count, area=None, **more):
    return add_cases([(area, day, day, None, {})] * count, **more)


def scored(at=NOW):
    services.score_what_is_due(queries.known_at(at))


def test_a_forecast_is_scored_by_the_weighted_interval_score():
    reported(MADE - timedelta(days=1), 1)
    reported(MADE + timedelta(days=3), 10)
    forecast([4, 8, 9, 12, 20])

    scored()

    one = Score.objects.get()
    # (|10 - 9| / 2 + 0.25 * (12 - 8) + 0.025 * (20 - 4)) / 2.5, the observed value lying in both ranges
    assert (one.observed, one.wis) == (10, pytest.approx((0.5 + 0.25 * 4 + 0.025 * 16) / 2.5, abs=1e-4))
    assert (one.within_50, one.within_95, one.error) == (True, True, 1)
    assert one.wis == pytest.approx(one.spread + one.over + one.under, abs=1e-3)


def test_only_what_is_over_is_scored_and_only_once():
    reported(MADE, 1)
    forecast([0, 1, 2, 3, 4])
    forecast([0, 1, 2, 3, 4], horizon=2)

    scored()
    scored()

    assert Score.objects.count() == 1
    assert Score.objects.get().forecast.horizon == 0


def test_a_score_tells_whether_its_truth_is_final_and_when_it_was_known():
    reported(MADE, 5)
    forecast([0, 3, 5, 7, 9])
    scored(NOW)
    later = NOW + timedelta(days=14)
    reported(MADE + timedelta(days=1), 3, known=NOW + timedelta(days=1))

    scored(later)

    first, final = Score.objects.order_by("is_final")
    assert [(one.is_final, one.observed, one.truth_known_at) for one in (first, final)] == [(False, 5, NOW), (True, 8, later)]
    assert [row[6] for row in records.scores("cases")] == [8]


def test_late_counts_are_scored_only_when_they_are_final():
    reported(MADE, 5)
    forecast([0, 3, 5, 7, 9], target="onsets")

    scored(NOW)
    assert not Score.objects.exists()
    scored(NOW + timedelta(days=14))

    assert Score.objects.get().is_final


def test_a_forecast_from_later_data_is_not_scored_by_an_earlier_truth():
    reported(MADE, 5)
    forecast([0, 3, 5, 7, 9], made=TODAY, day=MADE + timedelta(days=6))

    scored(clock.start_of(TODAY))

    assert not Score.objects.exists()


def test_each_score_stands_beside_the_baseline_of_its_own_round():
    reported(MADE - timedelta(days=1), 1)
    reported(MADE + timedelta(days=3), 10)
    forecast([0, 5, 10, 15, 20], model="baseline")
    forecast([8, 9, 10, 11, 12])

    scored()

    found = {one.forecast.model: one for one in Score.objects.select_related("forecast")}
    assert found["baseline"].relative == 1
    assert found["ensemble"].relative == pytest.approx(found["ensemble"].wis / found["baseline"].wis, abs=1e-3)
    assert found["ensemble"].relative < 1


def test_the_record_of_rounds_is_as_good_as_their_scores():
    epidemic(town())
    past_rounds(weeks=4)

    rows = records.scores("cases", until=TODAY)
    found = records.records(rows)

    assert {one.model for one in found} >= {"ensemble", "baseline"}
    ensemble = next(one for one in found if one.model == "ensemble")
    own = [row for row in rows if row[0] == "ensemble"]
    assert ensemble.count == len(own) == 3 * (4 + 3 + 2 + 1)
    assert ensemble.wis == pytest.approx(sum(row[7] for row in own) / len(own))
    assert next(one for one in found if one.model == "baseline").relative == pytest.approx(1)


def test_hits_count_forecasts_a_week_apart_and_no_more_than_asked():
    row = ["ensemble", "cases", "city", TODAY, 1, TODAY, 1, 1, 0, 0, 0, 0, True, True]
    rows = []
    for back in range(0, 70):
        one = list(row)
        one[5], one[13] = TODAY - timedelta(days=back), back != 7
        rows.append(tuple(one))

    assert records.hits(rows) == (7, 8)
    assert records.hits(rows[:3]) == (1, 1)
    assert records.hits([]) == (0, 0)
