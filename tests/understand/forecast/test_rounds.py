"""Rounds: what they hold, that they see nothing of the future, and that they are kept whole or not at all."""

from datetime import timedelta

import pytest

from epipolis.core import clock, work
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.understand.forecast import queries, services
from epipolis.understand.forecast.models import Forecast, Reproduction, Round, Score

from .factories import NOW, TODAY, add_cases, epidemic, made_round, noon, options, past_rounds, town, values_of, written

pytestmark = pytest.mark.django_db


def test_a_round_looks_ahead_for_every_area_and_keeps_what_it_saw():
    epidemic(town())

    found = made_round()

    assert (found.state, found.gaps) == ("done", [])
    assert queries.targets_of(found)[:4] == ["cases", "onsets", "admissions", "ward"]
    rows = queries.forecasts_of(found, target="cases", model="ensemble")
    assert {row.area for row in rows} == {"city", "D1", "D2"}
    assert {(row.horizon, row.day) for row in rows} == {(n, TODAY + timedelta(days=6 + 7 * n)) for n in range(4)}
    assert len(found.levels) == 23
    for row in queries.forecasts_of(found):
        assert all(value is not None and value >= 0 for value in row.values), row
        assert sorted(row.values) == row.values, row
    assert queries.digest_of(queries.from_bytes(queries.content_of(found), found.known_at)) == found.digest


def test_the_reproduction_number_of_a_growing_epidemic_lies_above_one():
    epidemic(town(), growth=0.06)

    found = made_round()

    table = Reproduction.objects.get(round=found, area="city").table
    assert table[-1]["day"] == (TODAY - timedelta(days=1)).isoformat()
    assert 1.0 < table[-1]["low"] < table[-1]["median"] < table[-1]["high"]
    assert Reproduction.objects.get(round=found, area="D1").is_pooled


def test_the_same_moment_and_settings_twice_are_the_same_round():
    epidemic(town(), days=30)
    first = made_round()
    before = values_of(first)

    again = made_round(at=NOW + timedelta(days=3))

    assert again.id == first.id
    assert again.made_at == first.made_at
    assert values_of(again) == before
    assert Round.objects.count() == 1


def test_the_night_makes_one_round_a_day_and_none_before_there_is_anything():
    areas = town()
    with clock.fixed(NOW):
        assert services.make_nightly() is None
        epidemic(areas, days=30)
        made = services.make_nightly()
        assert services.make_nightly() is None
    with clock.fixed(NOW + timedelta(days=1)):
        other = services.make_nightly()

    assert (made.kind, made.known_at, made.made_on) == ("nightly", clock.start_of(TODAY), TODAY)
    assert other.made_on == TODAY + timedelta(days=1)


def test_no_forecast_changes_when_something_becomes_known_later(tmp_path):
    areas = town()
    epidemic(areas, days=40)
    early = add_cases([(areas[0], TODAY - timedelta(days=12), TODAY - timedelta(days=14), None, {})])[0]
    day = TODAY - timedelta(days=7)
    first = made_round(day)
    before, digest, scores = values_of(first), first.digest, Score.objects.count()
    table = list(Reproduction.objects.filter(round=first).order_by("area").values_list("table", flat=True))
    Round.objects.all().delete()

    # The future: late reports of old days, a correction, a case taken back, beds and a series, all known later.
    late = [(areas[1], day - timedelta(days=3), day - timedelta(days=5), day - timedelta(days=3), {})] * 50
    add_cases(late, known=clock.start_of(day) + timedelta(seconds=1))
    case = Case.objects.get(id=early.id)
    cases.revise_case(case.id, {"onset": day - timedelta(days=9)}, by="test", at=noon(day))
    some = Case.objects.filter(reported=day - timedelta(days=2)).first()
    cases.revise_case(some.id, {"classification": "not_a_case"}, by="test", at=noon(day))
    text = "series,area,day,value\n" + "\n".join(f"ward,D1,{day - timedelta(days=n)},{900 + n}" for n in range(1, 30))
    services.import_series(written(tmp_path, text), options())
    again = made_round(day)

    assert values_of(again) == before
    assert again.digest == digest
    assert list(Reproduction.objects.filter(round=again).order_by("area").values_list("table", flat=True)) == table
    assert scores == 0


def test_what_became_known_a_moment_earlier_does_change_the_forecast():
    areas = town()
    epidemic(areas, days=30)
    day = TODAY - timedelta(days=7)
    before = values_of(made_round(day))
    Round.objects.all().delete()

    late = [(areas[1], day - timedelta(days=3), day - timedelta(days=5), None, {})] * 50
    add_cases(late, known=clock.start_of(day) - timedelta(seconds=1))

    assert values_of(made_round(day)) != before


def test_the_weights_of_a_round_come_only_from_scores_that_were_known_then():
    epidemic(town())
    past_rounds(weeks=3)
    moment = clock.start_of(TODAY - timedelta(days=7))

    table = queries.past_scores(moment)["cases"]

    days = set(table.column("day").to_pylist())
    assert days
    assert max(days) < TODAY - timedelta(days=7)
    assert Score.objects.filter(truth_known_at__gt=moment).exists()


def test_a_round_made_later_says_so_and_one_made_in_time_does_not():
    epidemic(town(), days=30)

    late, in_time = made_round(TODAY - timedelta(days=7)), made_round(TODAY)

    assert (late.is_later, in_time.is_later) == (True, False)
    assert late.made_at > late.known_at


class Killed(BaseException):
    """As when the process ends in the middle."""


def test_a_killed_round_leaves_nothing_half_and_is_made_by_the_next_try(staff):
    epidemic(town(), days=30)

    def die(done, total, note):
        if done:
            raise Killed

    with clock.fixed(NOW):
        asked = services.start_round(by=staff("commander"), at=NOW)
        with pytest.raises(Killed):
            services.compute_round(work.Progress(die), str(asked.id))
        assert Round.objects.get().state == "running"
        assert not Forecast.objects.exists()
        assert not Reproduction.objects.exists()
        first = services.compute_round(work.silent(), str(asked.id))
        again = services.compute_round(work.silent(), str(asked.id))

    assert Round.objects.get().state == "done"
    assert first == again
    assert first["forecasts"] == Forecast.objects.count() > 0


def test_asking_twice_is_one_round(staff, deliver_events):
    epidemic(town(), days=30)
    user = staff("commander")
    with clock.fixed(NOW):
        first = services.start_round(by=user, at=NOW)
        assert services.start_round(by=user, at=NOW + timedelta(seconds=5)).id == first.id
        deliver_events(twice=True)

    assert [one.state for one in Round.objects.all()] == ["done"]
    assert queries.latest_round().asked_by == user


def test_a_round_from_nothing_says_why_it_failed():
    with clock.fixed(NOW):
        asked = services.start_round(by=None, at=NOW)
        with pytest.raises(ValueError, match="Nothing was known"):
            services.compute_round(work.silent(), str(asked.id))

    assert Round.objects.get().state == "failed"
    assert "Nothing was known" in Round.objects.get().problem


def test_one_bad_series_leaves_everything_else(tmp_path):
    epidemic(town(), days=30)
    lonely = f"series,area,day,value\ncalls,,{TODAY - timedelta(days=2)},7\n"
    services.import_series(written(tmp_path, lonely), options(at=NOW - timedelta(days=1)))

    found = made_round()

    assert {one["target"] for one in found.gaps} <= {"calls"}
    assert queries.forecasts_of(found, target="cases", model="ensemble").count() == 12


def test_a_model_that_only_says_what_another_says_is_named_and_left_out():
    epidemic(town(), days=30)

    found = made_round()

    values = {}
    for row in queries.forecasts_of(found, target="cases", step=7):
        values.setdefault(row.model, []).append((row.area, row.horizon, tuple(row.values)))
    own = [tuple(rows) for model, rows in values.items() if model not in ("ensemble", "baseline")]
    assert len(set(own)) == len(own) > 0
    named = {model for one in found.problems if one["part"] == "copies" for model in one["why"].split(", ")}
    assert not named & {"ensemble", "baseline"}


def test_a_city_without_any_case_for_weeks_still_gets_an_answer():
    areas = town()
    add_cases([(areas[0], TODAY - timedelta(days=50), TODAY - timedelta(days=52), None, {})])

    found = made_round()

    rows = queries.forecasts_of(found, target="cases", model="ensemble", area="city")
    assert rows.count() == 4
    assert all(row.values[0] == 0 and row.values[-1] < 50 for row in rows)


def test_a_past_that_cannot_be_is_refused():
    with clock.fixed(NOW):
        for since, until, every in ((TODAY, TODAY - timedelta(days=1), 7), (TODAY, TODAY + timedelta(days=2), 7)):
            with pytest.raises(ValueError, match=r"first|past day"):
                services.start_past(since, until, every=every, by=None, at=NOW)
        with pytest.raises(ValueError, match="1 to 28"):
            services.start_past(TODAY, TODAY, every=0, by=None, at=NOW)
        with pytest.raises(ValueError, match="At most"):
            services.start_past(TODAY - timedelta(days=3_000), TODAY, every=1, by=None, at=NOW)


def test_old_rounds_are_forgotten_with_everything_that_hangs_on_them():
    epidemic(town())
    past_rounds(weeks=2)

    gone = services.forget_rounds(before=clock.start_of(TODAY), at=NOW)

    assert gone == 2
    assert {one.made_on for one in Round.objects.all()} == {TODAY}
    assert not Score.objects.exists()
