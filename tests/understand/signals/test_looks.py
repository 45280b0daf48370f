"""Looks: what they raise, that they raise it once, and that nothing bad keeps the rest from being judged."""

from datetime import date, timedelta

import pytest

from epipolis.core import clock
from epipolis.core.models import RulePackRow
from epipolis.core.work import silent
from epipolis.sense.cases.models import Case, CaseRevision
from epipolis.understand.forecast import services as forecast
from epipolis.understand.signals import queries, services
from epipolis.understand.signals.models import HotSpot, Look, Signal, SignalRevision, Watched
from tests.sense.city.factories import district, people_of
from tests.understand.forecast.factories import options, written

from .factories import NOW, TODAY, YESTERDAY, cases_of, look, outbreak, town, usual

pytestmark = pytest.mark.django_db


def rule(content, name="signal_watches"):
    RulePackRow.objects.create(
        name=name, version="test", jurisdiction="WHO", valid_from=date(2025, 1, 1), source="test", content=content, known_at=NOW
    )


def told(found):
    return [queries.told(one) for one in found.problems]


def test_an_outbreak_raises_a_signal_that_says_what_was_expected_and_by_which_rule():
    outbreak(town())

    found = look()

    signal = Signal.objects.get(series="cases", area="D1", method="regression", day=YESTERDAY)
    assert signal.value >= 25
    assert signal.expected < 5 < signal.upper < signal.value
    assert signal.rule == "signal_watches epipolis 2020-03"
    assert (signal.rate, signal.state, signal.known_at) == (1.0, "open", clock.start_of(TODAY))
    assert signal.course[-1][:2] == [YESTERDAY.isoformat(), signal.value]
    assert (found.problems, found.judged["cases"], found.day) == ([], 5, YESTERDAY)
    assert found.raised == Signal.objects.count()


def test_usual_days_raise_next_to_nothing():
    usual(town(), seed=3)

    look()

    assert Signal.objects.filter(method="regression").count() <= 1
    assert not HotSpot.objects.exists()


def test_the_same_moment_twice_is_one_look_and_changes_nothing():
    outbreak(town())
    first = look()
    before = sorted(Signal.objects.values_list("id", "value", "upper", "state", "revised_at"))

    assert look() is None
    assert look(NOW) is not None, "a later moment is another look"
    assert sorted(Signal.objects.values_list("id", "value", "upper", "state", "revised_at")) == before
    assert SignalRevision.objects.count() == len(before)
    assert first.raised == len(before)


def test_a_late_report_revises_a_signal_and_never_doubles_it():
    areas = town()
    outbreak(areas)
    look()
    signal = Signal.objects.get(series="cases", area="D1", method="regression")
    cases_of(areas[0], YESTERDAY, 4, known=NOW)

    with clock.fixed(NOW + timedelta(days=1)):
        found = services.look_nightly()

    again = Signal.objects.get(series="cases", area="D1", method="regression", day=YESTERDAY)
    assert (again.id, again.value, again.known_at) == (signal.id, signal.value + 4, signal.known_at)
    assert again.revised_at == clock.start_of(TODAY + timedelta(days=1))
    assert [one.value for one in queries.revisions_of(again)] == [signal.value, signal.value + 4]
    assert found.changed >= 1


def test_a_value_that_is_taken_back_stands_out_no_longer_and_stays_on_record():
    areas = town()
    outbreak(areas)
    look()
    for case in Case.objects.filter(district=areas[0], reported=YESTERDAY)[:24]:
        CaseRevision.objects.filter(case=case).update(superseded_at=NOW)
        facts = {"classification": "not_a_case", "reported": case.reported, "onset": case.onset, "district": case.district}
        CaseRevision.objects.create(case=case, revision=2, known_at=NOW, by="t", **facts)

    look(NOW + timedelta(hours=1))

    signal = Signal.objects.get(series="cases", area="D1", method="regression", day=YESTERDAY)
    assert not signal.stands
    assert signal.state == "open"
    assert [one.stands for one in queries.revisions_of(signal)] == [True, False]


def test_looking_back_sees_nothing_of_the_future():
    areas = town()
    usual(areas)
    late = TODAY - timedelta(days=3)
    cases_of(areas[0], late, 30, known=NOW)

    with clock.fixed(NOW):
        services.look_back(TODAY - timedelta(days=2), TODAY)
        assert not Signal.objects.filter(area="D1", series="cases", method="regression").exists()
    look(NOW + timedelta(hours=1))

    signal = Signal.objects.get(area="D1", series="cases", method="regression", day=late)
    assert signal.known_at == NOW + timedelta(hours=1)


def test_looking_back_twice_makes_each_look_once():
    outbreak(town())
    with clock.fixed(NOW):
        first = services.look_back(TODAY - timedelta(days=3), TODAY, progress=silent())
        count = Signal.objects.count()
        again = services.look_back(TODAY - timedelta(days=3), TODAY, progress=silent())

    assert (first["made"], again["made"], again["raised"]) == (4, 0, 0)
    assert Signal.objects.count() == count
    watched = Watched.objects.filter(series="cases", method="regression")
    assert watched.count() == len(set(watched.values_list("day", flat=True)))


def test_a_hot_spot_is_found_grows_and_ends_as_one():
    areas = town(6)
    usual(areas, mean=2.0)
    for back in (4, 3, 2):
        for area in areas[:2]:
            cases_of(area, TODAY - timedelta(days=back), 9)
    with clock.fixed(NOW):
        services.look_back(TODAY - timedelta(days=1), TODAY)
    (spot,) = HotSpot.objects.all()
    assert set(spot.areas) >= {"D1"}
    assert spot.observed > 1.5 * spot.expected
    assert spot.recurrence_days >= 365
    assert spot.signal.method == "scan"
    before = spot.signal_id

    for ahead in range(8):
        usual(areas, days=1, until=TODAY + timedelta(days=ahead + 1), seed=ahead + 10)
    with clock.fixed(NOW + timedelta(days=30)):
        for ahead in (1, 8, 29):
            look(clock.start_of(TODAY + timedelta(days=ahead)))

    (spot,) = HotSpot.objects.all()
    assert spot.signal_id == before
    assert not spot.signal.stands


def test_an_incidence_limit_is_told_on_the_day_it_is_passed_and_not_again():
    areas = town(2)
    usual(areas, mean=0.2, days=60)
    for back in range(6, 0, -1):
        cases_of(areas[0], TODAY - timedelta(days=back), 10)
    with clock.fixed(NOW):
        services.look_back(TODAY - timedelta(days=5), TODAY)

    levels = Signal.objects.filter(area="D1", method="level").order_by("day")
    assert [one.upper for one in levels] == sorted({one.upper for one in levels})
    assert levels.last().upper == 50
    assert levels.last().value >= 50
    assert levels.last().rate is None


def test_a_limit_passed_by_too_few_cases_is_told_once_they_are_enough():
    (area,) = town(1, people=2_400)  # one case is 21 per 100,000 people and week over two weeks
    usual([area], mean=0, days=60)
    cases_of(area, TODAY - timedelta(days=40), 1)
    for back in range(6, 0, -1):
        cases_of(area, TODAY - timedelta(days=back), 1)
    look()

    told = Signal.objects.get(area="D1", method="level")
    assert told.day == TODAY - timedelta(days=2)
    assert told.detail["cases"] == 5
    assert told.course[0][0] == (TODAY - timedelta(days=43)).isoformat()  # the onset three days before the first report


def test_a_limit_that_reports_took_back_may_be_passed_again_in_the_same_week():
    (area, _other) = town(2)
    usual([area], mean=0, days=60)
    cases_of(area, TODAY - timedelta(days=40), 1)
    false = cases_of(area, TODAY - timedelta(days=4), 30)
    look()
    first = Signal.objects.get(area="D1", method="level")
    for case in false:
        CaseRevision.objects.filter(case=case).update(superseded_at=NOW)
        facts = {"classification": "not_a_case", "reported": case.reported, "onset": case.onset, "district": area}
        CaseRevision.objects.create(case=case, revision=2, known_at=NOW, by="t", **facts)
    cases_of(area, TODAY, 30)
    look(clock.start_of(TODAY + timedelta(days=1)))

    first.refresh_from_db()
    assert (first.day, first.stands) == (TODAY - timedelta(days=4), False)
    assert Signal.objects.filter(area="D1", method="level", stands=True).get().day == TODAY


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"series": "sewage", "method": "regression", "false_alarms_per_year": 1}, "no such series"),
        ({"series": "onsets", "method": "witchcraft", "false_alarms_per_year": 1}, "no method “witchcraft”"),
        ({"series": "onsets", "method": "regression", "false_alarms_per_year": 0}, "0 false alarms a year"),
        ({"series": "onsets", "method": "regression", "false_alarms_per_year": 1000}, "1000 false alarms a year"),
        ({"series": "onsets", "method": "regression", "false_alarms_per_year": "many"}, "many false alarms a year"),
        ({"series": "onsets", "method": "regression"}, "None false alarms a year"),
        ({"series": "onsets", "method": "cusum", "false_alarms_per_year": 1, "together": "some"}, "“together” is some"),
        ({"series": "onsets", "method": "ears", "false_alarms_per_year": 1, "fewest": "few"}, "“fewest” is no number"),
        ({"method": "regression"}, "Watch 2 of the rules names no series"),
        ("onsets", "Watch 2 of the rules names no series"),
    ],
)
def test_a_bad_watch_is_told_and_the_others_are_watched(entry, why):
    outbreak(town())
    rule({"watches": [{"series": "cases", "method": "regression", "false_alarms_per_year": 1}, entry]})

    found = look()

    assert len(told(found)) == 1
    assert why in told(found)[0]
    assert Signal.objects.filter(series="cases", area="D1").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, []),
        ({"watches": "all"}, ["Watch 1 of the rules names no series."]),
        ({"hot_spots": {"series": "cases"}}, ["Hot spots: “history_days” is None"]),
        (
            {"hot_spots": {"history_days": 90, "longest_days": 21, "share": 2, "recurrence_days": 365}},
            ["Hot spots: “share” is 2"],
        ),
        ({"hot_spots": ["cases"]}, ["Hot spots: “history_days” is None"]),
    ],
)
def test_rules_that_cannot_be_read_are_told(content, why):
    usual(town(), days=30)
    rule(content)

    found = told(look())

    assert len(found) == len(why)
    for text, beginning in zip(found, why, strict=True):
        assert text.startswith(beginning)


def test_incidence_limits_that_cannot_be_read_are_told():
    usual(town(), days=30)
    rule({"window_days": 0, "levels_per_100k_a_week": []}, name="incidence_levels")

    assert told(look()) == ["The incidence limits of incidence_levels WHO test cannot be read."]


def test_a_district_without_border_is_left_out_of_the_search_and_judged_all_the_same():
    areas = [*town(3), district("D9", "Nowhere", border=None)]
    people_of(areas[-1], 10_000)
    outbreak(areas)

    found = look()

    assert found.skipped == ["D9"]
    assert found.judged["cases"] == 5
    assert queries.without_place(found) == ["Nowhere"]


def test_without_any_border_the_search_says_so():
    areas = [district(f"D{n}", f"Part {n}", border=None) for n in (1, 2)]
    usual(areas, days=40)

    found = look()

    assert "Hot spots need the borders of districts; none are loaded." in told(found)
    assert "No people are counted in the city, so no incidence can be watched." in told(found)


def test_before_there_is_anything_no_look_is_made_by_itself_and_one_asked_for_says_why():
    town()

    with clock.fixed(NOW):
        assert services.look_nightly() is None
        services.compute_looks(silent())

    assert told(Look.objects.get()) == ["Nothing was known at that moment: there are no cases and no series."]


def test_one_series_that_cannot_be_judged_does_not_silence_the_others(tmp_path):
    outbreak(town())
    rows = [f"calls,D1,{TODAY - timedelta(days=n)},{-5 if n == 9 else 40}\n" for n in range(1, 50)]
    rows += [f"old,D1,{TODAY - timedelta(days=n)},4\n" for n in range(60, 90)]
    rows += [f"one,D1,{YESTERDAY},4\n"]
    path = written(tmp_path, "series,area,day,value\n" + "".join(rows))
    forecast.import_series(path, options(at=NOW - timedelta(days=1)))

    found = look(NOW)

    assert Signal.objects.filter(series="cases", area="D1").exists()
    assert any("No value is newer than" in text for text in told(found))


def test_an_uploaded_series_is_watched_by_the_rule_for_all_of_them(tmp_path):
    town()
    rows = [f"calls,D1,{TODAY - timedelta(days=n)},{120 if n == 1 else 20 + n % 3}\n" for n in range(1, 80)]
    path = written(tmp_path, "series,area,day,value\n" + "".join(rows))
    forecast.import_series(path, options(at=NOW - timedelta(days=1)))

    look(NOW)

    signal = Signal.objects.get(series="calls")
    assert (signal.area, signal.day, signal.value, signal.method) == ("D1", YESTERDAY, 120, "regression")


def test_days_to_come_too_many_days_and_days_in_the_wrong_order_are_refused():
    for since, until, why in (
        (TODAY, TODAY + timedelta(days=1), "still to come"),
        (TODAY, TODAY - timedelta(days=1), "before the first"),
        (TODAY - timedelta(days=400), TODAY, "At most 366"),
    ):
        with pytest.raises(ValueError, match=why):
            services.start_looks(since, until, by="ana", at=NOW)
    assert not Look.objects.exists()


def test_old_signals_are_forgotten_with_what_was_thought_of_them():
    outbreak(town())
    look()

    assert services.forget_signals(before=NOW + timedelta(days=1), at=NOW) > 0
    assert not Signal.objects.exists()
    assert not Watched.objects.exists()
    assert not Look.objects.exists()


def test_what_is_raised_lies_above_its_bound_and_a_hot_spot_has_enough_cases():
    spots = {"history_days": 60, "longest_days": 21, "share": 0.5, "recurrence_days": 2, "fewest_cases": 40}
    watch = {"series": "cases", "method": "regression", "false_alarms_per_year": 60}
    rule({"watches": [watch], "hot_spots": spots})
    usual(town(6), mean=1.0, seed=4)

    with clock.fixed(NOW):
        services.look_back(TODAY - timedelta(days=6), TODAY)

    raised = Signal.objects.filter(method="regression")
    assert raised
    assert all(one.upper < one.value for one in raised if one.stands)
    assert all(one.observed >= 40 for one in HotSpot.objects.all())
