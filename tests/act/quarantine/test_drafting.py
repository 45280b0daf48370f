"""Drafts: by rule from cases and contacts, following the facts until somebody decides."""

from datetime import date

import pytest

from epipolis.act.followup import services as followup
from epipolis.act.followup.services.opening import note_source
from epipolis.act.notices.models import Notice
from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Order, State
from epipolis.core import clock, rules
from epipolis.sense.cases import services as cases
from epipolis.sense.people import services as people

from .factories import NOW, again, case, drafted, exposed, ill, issued, person

pytestmark = pytest.mark.django_db


def test_a_contact_gets_a_draft_that_binds_nobody_and_explains_its_days(deliver_events):
    exposed()
    deliver_events(twice=True)

    row = Order.objects.get()
    assert (row.kind, row.state, row.starts, row.until) == ("quarantine", "draft", date(2021, 3, 16), date(2021, 3, 29))
    assert rules.explain(row.decision) == [
        "Until 2021-03-29 because the last contact was on 2021-03-15 and the rule quarantine WHO 2020-03-19 says 14 days,"
        " from 2021-03-16 on."
    ]


def test_a_low_risk_drafts_nothing_and_a_higher_one_does(deliver_events):
    who = person()
    exposed(who, risk="low")
    deliver_events()
    assert Order.objects.count() == 0

    exposed(who, risk="high")
    deliver_events()
    assert Order.objects.get().state == "draft"


def test_a_new_exposure_extends_a_draft_and_the_latest_end_wins(deliver_events):
    who = person()
    exposed(who)
    deliver_events()
    exposed(who, last_contact=date(2021, 3, 19))
    exposed(who, last_contact=date(2021, 3, 12))
    deliver_events(twice=True)

    row = Order.objects.get()
    assert (row.until, row.starts) == (date(2021, 4, 2), date(2021, 3, 13))
    assert "The latest end of 3 contacts counts." in rules.explain(row.decision)


def test_a_new_exposure_of_somebody_under_an_order_asks_the_officer(deliver_events):
    who = person()
    row = issued(drafted(who=who))
    exposed(who, last_contact=date(2021, 3, 19))
    deliver_events(twice=True)

    assert (again(row).until, row.asks["kind"], row.asks["until"]) == (date(2021, 3, 29), "days", "2021-04-02")
    assert row.changes.filter(kind="asked").count() == 1


def test_what_is_asked_can_be_taken_over_or_left_and_is_not_asked_again(deliver_events):
    first, second = person(), person()
    taken, left = issued(drafted(who=first)), issued(drafted(who=second))
    for who in (first, second):
        exposed(who, last_contact=date(2021, 3, 19))
    deliver_events()

    services.accept_ask(taken.id, by="otto", at=NOW)
    services.decline_ask(left.id, reason="met outdoors", by="otto", at=NOW)
    assert (again(taken).until, taken.asks, taken.is_extended) == (date(2021, 4, 2), {}, True)
    assert (again(left).until, left.asks) == (date(2021, 3, 29), {})

    services.draft_from_follow_up(left.follow_up_id, by="quarantine", at=NOW)
    assert again(left).asks == {}


def test_news_that_was_taken_back_is_asked_no_more(deliver_events):
    who, source = person(), case()
    row = issued(drafted(who=who))
    exposed(who, source, last_contact=date(2021, 3, 19))
    deliver_events()
    note_source(source.id, is_case=False, by="test", at=NOW)
    deliver_events()

    assert again(row).asks == {}


def test_a_confirmed_case_gets_a_draft_of_isolation_which_follows_the_onset(deliver_events):
    source = case()
    row = ill(source)
    assert (row.kind, row.until, row.is_earliest) == ("isolation", date(2021, 3, 23), True)

    cases.revise_case(source.id, {"onset": date(2021, 3, 12)}, by="test", at=NOW)
    deliver_events(twice=True)
    assert (again(row).until, row.changes.filter(kind="redrafted").count()) == (date(2021, 3, 25), 1)


def test_a_changed_onset_under_an_order_in_force_asks(deliver_events):
    source = case()
    row = issued(ill(source))
    cases.revise_case(source.id, {"onset": date(2021, 3, 12)}, by="test", at=NOW)
    deliver_events(twice=True)

    assert (again(row).until, row.asks["until"]) == (date(2021, 3, 23), "2021-03-25")


def test_a_case_that_is_none_loses_its_draft_and_asks_to_lift_its_order(deliver_events):
    sources = [case(), case()]
    draft, order = ill(sources[0]), issued(ill(sources[1]))
    for source in sources:
        cases.revise_case(source.id, {"classification": "not_a_case"}, by="test", at=NOW)
    deliver_events(twice=True)

    assert (again(draft).state, again(order).state, order.asks["kind"]) == ("withdrawn", "issued", "lift")


def test_a_contact_who_becomes_a_case_has_one_draft_of_isolation_and_none_of_quarantine(deliver_events):
    who = person()
    exposed(who)
    deliver_events()
    cases.confirm_case(case(who, classification="suspected").id, by="test", at=NOW)
    deliver_events(twice=True)

    assert dict(Order.objects.values_list("kind", "state")) == {"quarantine": "withdrawn", "isolation": "draft"}


def test_issuing_isolation_ends_the_quarantine_of_the_same_person():
    who = person()
    first = issued(drafted(who=who))
    issued(ill(case(who)))

    assert (again(first).state, first.end_reason["outcome"]) == (State.ENDED, "ended")


def test_a_contact_that_no_longer_counts_loses_its_draft():
    source = case()
    row = drafted(source=source)
    note_source(source.id, is_case=False, by="test", at=NOW)
    services.draft_from_follow_up(row.follow_up_id, by="quarantine", at=NOW)
    assert again(row).state == "withdrawn"

    note_source(source.id, is_case=True, by="test", at=NOW)
    followup.reopen(row.follow_up_id, reason="a case after all", by="test", at=NOW)
    services.draft_from_follow_up(row.follow_up_id, by="quarantine", at=NOW)
    assert Order.objects.filter(state="draft").count() == 1


def test_what_a_person_decided_not_to_issue_is_not_drafted_again_from_the_same_facts(deliver_events):
    who = person()
    row = drafted(who=who)
    services.withdraw_draft(row.id, reason="vaccinated", by="otto", at=NOW)
    services.draft_from_follow_up(row.follow_up_id, by="quarantine", at=NOW)
    assert Order.objects.filter(state="draft").count() == 0

    exposed(who, last_contact=date(2021, 3, 19))
    deliver_events()
    assert Order.objects.get(state="draft").until == date(2021, 4, 2)


def test_nothing_is_drafted_for_days_that_are_over():
    exposed_long_ago = exposed(last_contact=date(2021, 3, 1))

    assert services.draft_from_follow_up(exposed_long_ago.id, by="test", at=NOW) is None


def test_a_contact_without_a_day_is_drafted_without_an_end_and_asks_for_it():
    row = drafted(last_contact=None)

    assert (row.until, row.state) == (None, "draft")
    with pytest.raises(services.OrderError, match="choose the last day"):
        issued(row)
    assert issued(row, until=date(2021, 3, 30), reason="met last week").until == date(2021, 3, 30)


def test_two_rows_of_one_person_have_one_draft(deliver_events):
    first, second = person(), person()
    exposed(first)
    exposed(second, last_contact=date(2021, 3, 18))
    deliver_events()
    assert Order.objects.filter(state="draft").count() == 2

    merge = people.merge_people(first.id, second.id, by="test", at=NOW, reason="same card")
    deliver_events(twice=True)
    assert [row.until for row in Order.objects.filter(state="draft")] == [date(2021, 4, 1)]

    people.unmerge_people(merge.id, reason="twins", by="test", at=NOW)
    deliver_events(twice=True)
    assert sorted(Order.objects.filter(state="draft").values_list("until", flat=True)) == [
        date(2021, 3, 29), date(2021, 4, 1),
    ]  # fmt: skip


def test_two_orders_in_force_of_one_person_ask_which_one_stays(deliver_events):
    first, second = person(), person()
    issued(drafted(who=first))
    issued(drafted(who=second, last_contact=date(2021, 3, 18)))
    people.merge_people(first.id, second.id, by="test", at=NOW, reason="same card")
    deliver_events(twice=True)

    assert [row.until for row in Order.objects.filter(asks__kind="double")] == [date(2021, 3, 29)]
    assert Order.objects.filter(state="issued").count() == 2


def test_people_who_live_with_a_case_share_a_household_with_it():
    source = case()
    one, other = (drafted(source=source, origin="household") for _ in range(2))
    friend, at_home = drafted(source=source), ill(source)

    assert one.household == other.household == at_home.household
    assert friend.household is None


def test_a_rule_that_changes_on_its_day_holds_for_drafts_from_that_day_on(settings):
    settings.EPIPOLIS_JURISDICTION = "US"
    before, after = clock.start_of(date(2021, 12, 26)), clock.start_of(date(2021, 12, 27))
    old = drafted(last_contact=date(2021, 12, 25), at=before)
    new = drafted(last_contact=date(2021, 12, 25), at=after)

    assert (old.until, new.until) == (date(2022, 1, 8), date(2021, 12, 30))


def test_nothing_binds_the_dead_and_nobody_writes_to_those_who_mourn(deliver_events):
    who, _ = people.find_or_make_person([], by="test", at=NOW, given_name="Ana", phones=["+999 123 456"])
    source = case(who)
    row = issued(ill(source))
    cases.revise_case(source.id, {"outcome": "died", "ended": date(2021, 3, 19)}, by="test", at=NOW)
    deliver_events(twice=True)

    assert (again(row).state, rules.explain(row.end_reason)) == ("ended", ["The person has died."])
    assert set(Notice.objects.values_list("template", "state")) == {("order_issued", "stopped")}


def test_a_case_that_another_office_took_over_is_not_drafted_here():
    assert services.draft_from_case(case(owner="Office of the north").id, by="test", at=NOW) is None


def test_the_file_of_a_case_learns_since_when_the_person_isolates():
    fresh, known = case(), case(isolated=date(2021, 3, 14))
    for source in (fresh, known):
        issued(ill(source))
        source.refresh_from_db()

    assert (fresh.isolated, known.isolated) == (date(2021, 3, 20), date(2021, 3, 14))
