"""How well the response works: each share against a small city of which the answer is known by hand."""

from datetime import date, timedelta

import pytest

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Attempt, DailyCheck, FollowUp
from epipolis.core import clock
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.understand.chains.services import link_cases

from .factories import NOW, case, exposed, person, told

pytestmark = pytest.mark.django_db
EARLIER = NOW - timedelta(days=5)
DAY = clock.local_day(EARLIER)
UNTIL = clock.local_day(NOW)


def known(**facts):
    """A case that became known five days ago."""
    return case(known_at=EARLIER, revised_at=EARLIER, **({"reported": DAY, "onset": DAY - timedelta(days=2)} | facts))


def share(name, **only):
    rows = queries.counted(DAY - timedelta(days=10), UNTIL, NOW)
    [found] = [one for one in queries.shares(rows, **only) if one.indicator.name == name]
    return found.met, found.of


def sampled_before(one, hours):
    CaseTest.objects.create(
        case=one, source="lab", source_ref=str(one.id), kind="pcr", disease="covid19", result="positive",
        sampled_at=EARLIER - timedelta(hours=hours), known_at=EARLIER, by="test",
    )  # fmt: skip


def test_a_result_within_24_hours_of_the_sample_is_in_time():
    sampled_before(known(), 23)
    sampled_before(known(), 25)
    known(sampled=DAY - timedelta(days=1))
    known(sampled=DAY - timedelta(days=3))
    known()
    assert share("reported_in_time") == (2, 4)


def test_a_withdrawn_result_says_nothing_about_the_time():
    one = known()
    sampled_before(one, 5)
    CaseTest.objects.update(status="withdrawn")
    assert share("reported_in_time") == (0, 0)


def test_naming_contacts_within_24_hours_is_an_interview_in_time():
    first, second = known(), known()
    known()
    exposed(person(), first, at=EARLIER + timedelta(hours=23))
    exposed(person(), second, at=EARLIER + timedelta(hours=25))
    assert share("interviewed_in_time") == (1, 3)
    assert share("without_contacts") == (1, 3)


def test_what_tracing_found_is_a_contact_and_no_interview():
    exposed(person(), known(), at=EARLIER, origin="tracing")
    assert share("interviewed_in_time") == (0, 1)
    assert share("without_contacts") == (0, 1)


def test_isolation_by_the_day_after_the_report_is_in_time():
    known(isolated=DAY - timedelta(days=1))
    known(isolated=DAY + timedelta(days=1))
    known(isolated=DAY + timedelta(days=2))
    known()
    assert share("isolated_in_time") == (2, 4)


def test_a_case_of_the_last_24_hours_is_not_judged_yet():
    case(known_at=NOW - timedelta(hours=23), revised_at=NOW, reported=UNTIL)
    for name in ("interviewed_in_time", "isolated_in_time", "without_contacts"):
        assert share(name) == (0, 0)


def test_contacts_are_reached_and_quarantined_in_time_or_late_or_not():
    source = known()
    quick, late, never = (exposed(person(), source, at=EARLIER) for _ in range(3))
    FollowUp.objects.filter(id=quick.id).update(first_reached=EARLIER + timedelta(hours=3), quarantine_from=DAY)
    FollowUp.objects.filter(id=late.id).update(
        first_reached=EARLIER + timedelta(hours=30), quarantine_from=DAY + timedelta(days=2)
    )
    assert never.first_reached is None
    services.add_exposure(told(None, source), by="test", at=EARLIER)  # a pseudonym cannot be called, and does not count
    assert share("reached") == (2, 3)
    assert share("reached_in_time") == (1, 3)
    assert share("quarantined_in_time") == (1, 3)


def test_each_day_under_follow_up_counts_and_only_a_day_on_which_somebody_was_seen_is_monitored():
    row = exposed(person(), known(), at=EARLIER, last_contact=DAY - timedelta(days=1))
    for days, state in ((0, "seen_ok"), (1, "seen_ill"), (2, "not_seen")):
        DailyCheck.objects.update_or_create(
            follow_up=row, day=DAY + timedelta(days=days), is_current=True,
            defaults={"state": state, "how": "call", "by": "test", "at": NOW, "received": NOW},
        )  # fmt: skip
    assert share("monitored") == (2, 5)  # five whole days until yesterday; today is not over
    assert share("monitored", day=DAY) == (1, 1)
    FollowUp.objects.filter(id=row.id).update(state="cancelled")
    assert share("monitored") == (0, 0)


def test_a_contact_who_falls_ill_was_in_quarantine_and_has_a_source():
    ill = person()
    exposed(ill, known(), at=EARLIER - timedelta(days=3), last_contact=DAY - timedelta(days=6))
    known(of=ill, onset=DAY - timedelta(days=1))
    known(onset=DAY - timedelta(days=1))
    assert share("quarantined_before") == (1, 3)
    assert share("unlinked") == (2, 3)


def test_who_was_named_only_after_the_case_was_known_was_not_in_quarantine():
    ill = person()
    known(of=ill, onset=DAY - timedelta(days=1))
    exposed(ill, known(onset=None), at=NOW, last_contact=DAY - timedelta(days=6))
    assert share("quarantined_before") == (0, 1)


def test_a_probable_infector_is_a_source():
    first = known(onset=DAY - timedelta(days=6))
    second = known(infected_by=first.id)
    assert share("unlinked") == (1, 2)
    link_cases([second.id], at=NOW)
    Case.objects.filter(id=second.id).update(infected_by=None)
    assert share("unlinked") == (1, 2)


def test_lost_follow_ups_are_not_completed_and_converted_ones_do_not_count():
    for state in ("completed", "completed", "lost", "converted", "cancelled"):
        row = exposed(person(), known(), at=EARLIER)
        FollowUp.objects.filter(id=row.id).update(state=state, ended=NOW - timedelta(days=1))
    assert share("completed") == (2, 3)


def test_shares_are_told_by_day_and_team_and_the_sum_is_the_whole():
    team = services.save_team("North", by="test", at=NOW)
    for number in range(4):
        row = exposed(person(), known(), at=EARLIER + timedelta(days=number % 2))
        FollowUp.objects.filter(id=row.id).update(team=team if number < 2 else None, first_reached=NOW)
    rows = queries.counted(DAY, UNTIL, NOW)
    by_team = queries.shares_by(rows, lambda row: row.team, "reached")
    assert sum(one.of for one in by_team.values()) == 4
    by_day = queries.shares_by(rows, lambda row: row.day, "reached")
    assert {day: one.of for day, one in by_day.items()} == {DAY: 2, DAY + timedelta(days=1): 2}
    assert share("reached") == (4, 4)


def test_an_indicator_knows_whether_its_target_is_reached():
    enough = queries.Share(queries.INDICATORS["reached"], 9, 10)
    few = queries.Share(queries.INDICATORS["unlinked"], 3, 10)
    assert (enough.is_reached, few.is_reached) == (True, False)
    assert queries.Share(queries.INDICATORS["reached"], 0, 0).is_reached is None


def test_the_hops_are_told_in_hours_at_the_median():
    first = known()
    sampled_before(first, 12)
    row = exposed(person(), first, at=EARLIER + timedelta(hours=6))
    FollowUp.objects.filter(id=row.id).update(first_reached=EARLIER + timedelta(hours=8))
    assert [hop.hours for hop in queries.hops(DAY, UNTIL, NOW)] == [12, 6, 6, 2]


def test_days_out_of_order_are_refused():
    with pytest.raises(ValueError, match="after the last"):
        queries.counted(UNTIL, DAY, NOW)


def test_a_past_moment_knows_nothing_of_what_came_later():
    row = exposed(person(), known(), at=EARLIER)
    FollowUp.objects.filter(id=row.id).update(first_reached=NOW)
    rows = queries.counted(DAY, DAY, EARLIER + timedelta(hours=1))
    assert [(one.name, one.met, one.of) for one in rows if one.name.startswith("reached")] == [("reached", 0, 1)]


@pytest.fixture
def page(client, staff):
    client.force_login(staff("commander"))

    def call(path, status=200):
        with clock.fixed(NOW):
            answer = client.get(path)
        assert answer.status_code == status
        return answer.content.decode() if status == 200 else answer

    return call


def test_the_page_shows_every_indicator_with_its_target_and_definition(page):
    exposed(person(), known(), at=EARLIER)
    shown = page("/followup/indicators/")
    for one in queries.INDICATORS.values():
        assert str(one.title) in shown
    assert "to reach: at least 80 %" in shown
    assert "Contacts monitored each day" in page("/followup/indicators/?show=monitored")
    assert page("/followup/indicators/?show=nonsense&since=x&until=2021-99-99")
    assert "after the last" in page("/followup/indicators/?since=2021-03-02&until=2021-03-01", status=422).content.decode()


def test_an_empty_city_shows_dashes_and_no_error(page):
    shown = page("/followup/indicators/")
    assert "Nothing to count in these days" in shown


def test_indicators_are_exported_by_who_may(page, client, staff):
    page("/followup/indicators/list.csv", status=403)
    exposed(person(), known(), at=EARLIER)
    client.force_login(staff("epidemiologist"))
    with clock.fixed(NOW):
        lines = b"".join(client.get("/followup/indicators/list.csv")).decode().splitlines()
        assert client.get("/followup/indicators/list.pdf").status_code == 404
    assert lines[0].startswith("indicator,day,district,team,met,of,share")
    assert any(line.startswith("reached,") for line in lines)


def test_the_day_is_the_citys_own_and_not_the_clocks_of_greenwich():
    late = clock.start_of(date(2021, 3, 16)) - timedelta(minutes=1)
    exposed(person(), case(known_at=late, revised_at=late), at=late)
    rows = queries.counted(date(2021, 3, 10), UNTIL, NOW)
    assert {row.day for row in rows if row.name == "reached"} == {date(2021, 3, 15)}
    assert Attempt.objects.count() == 0
