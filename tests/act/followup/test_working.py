"""Checks, calls, ends, days changed by hand, owners and links."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Change, DailyCheck, FollowUp, Handover, State
from epipolis.act.followup.services import Answer, FollowUpError
from epipolis.core import clock, rules
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.understand.tracing.models import Contact
from epipolis.understand.tracing.services import trace_case

from .factories import NOW, case, exposed, local, person, place, tracer, visit

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def check(row, state="seen_ok", *, at=NOW, **facts):
    answer = Answer(state=state, **({"day": clock.local_day(at)} | facts))
    return services.record_check(row.id, answer, by="tina", at=at)


def call(row, outcome, *, at=NOW, **facts):
    return services.record_attempt(row.id, outcome=outcome, by="tina", at=at, **facts)


def again(row):
    row.refresh_from_db()
    return row


def lanes(at=NOW, **wanted):
    return [(one.row.id, one.lane) for one in queries.work_list(at, queries.Wanted(**wanted)).rows]


def test_a_check_is_noted_and_the_next_is_due_tomorrow():
    row = exposed()
    noted = check(row, temperature=Decimal("36.6"), symptoms={"cough": "no", "fever": "unknown"})

    assert (noted.is_new, again(row).last_seen, row.is_told) == (True, date(2021, 3, 20), True)
    assert row.due_from == local(21)
    assert lanes() == []
    assert lanes(NOW + DAY) == [(row.id, "today")]
    assert lanes(NOW + 2 * DAY) == [(row.id, "overdue")]


def test_a_draft_that_arrives_twice_is_one_answer():
    row, number = exposed(), uuid4()
    first, second = check(row, client_id=number), check(row, client_id=number)

    assert (first.check.id, second.is_new, DailyCheck.objects.count()) == (second.check.id, False, 1)


def test_two_answers_to_one_day_keep_both_and_name_the_conflict():
    row = exposed()
    check(row)
    noted = check(row, "seen_ill", symptoms={"fever": "yes"}, at=NOW + timedelta(hours=1))

    assert (noted.replaced.state, noted.check.is_current) == ("seen_ok", True)
    assert DailyCheck.objects.count() == 2


def test_a_late_draft_of_an_earlier_call_does_not_replace_what_was_told_after_it():
    row = exposed()
    check(row, at=NOW)
    noted = check(row, "seen_ill", answered=NOW - timedelta(hours=3), at=NOW + timedelta(minutes=5))

    assert (noted.check.is_current, noted.replaced.state) == (False, "seen_ok")


def test_a_try_in_vain_never_hides_what_was_told():
    row = exposed()
    check(row)

    assert check(row, "not_seen", at=NOW + timedelta(hours=2)).check.is_current is False


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"state": "missed"}, "state"),
        ({"day": date(2021, 3, 21)}, "day"),
        ({"day": date(2021, 3, 1)}, "day"),
        ({"part": 5}, "part"),
        ({"temperature": Decimal("99")}, "temperature"),
        ({"symptoms": {"cough": "perhaps"}}, "symptoms"),
        ({"symptoms": {"cough": "yes"}}, "state"),
        ({"answered": NOW + DAY}, "answered"),
        ({"how": "pigeon"}, "how"),
    ],
)
def test_answers_that_cannot_be_are_refused_by_field(facts, field):
    row = exposed()
    with pytest.raises(FollowUpError) as refused:
        services.record_check(row.id, replace(Answer("seen_ok", date(2021, 3, 20)), **facts), by="tina", at=NOW)

    assert refused.value.field == field
    assert DailyCheck.objects.count() == 0


def test_an_unknown_visitor_cannot_be_called():
    from .factories import told

    row = services.add_exposure(told(None), by="test", at=NOW)

    with pytest.raises(FollowUpError, match="not known who this is"):
        call(row, "reached")


def test_a_promised_call_waits_and_then_comes_first():
    early, late = exposed(), exposed()
    call(late, "call_back", call_back_at=NOW + timedelta(hours=4), note="after work")

    assert lanes() == [(early.id, "new")]
    assert lanes(NOW + timedelta(hours=3, minutes=50)) == [(late.id, "promised"), (early.id, "new")]
    assert queries.promised(again(late)) == "after work"


def test_the_list_is_ordered_by_what_cannot_wait():
    today, new, overdue, promised = exposed(risk="medium"), exposed(), exposed(risk="medium"), exposed()
    check(today, day=date(2021, 3, 19))
    check(overdue, day=date(2021, 3, 17))
    call(promised, "call_back", at=NOW - timedelta(hours=2), call_back_at=NOW)

    assert lanes() == [(promised.id, "promised"), (new.id, "new"), (overdue.id, "overdue"), (today.id, "today")]
    assert queries.counts(NOW) == {"promised": 1, "new": 1, "overdue": 1, "today": 1}


def test_after_no_answer_the_next_try_comes_later():
    row = exposed()
    call(row, "no_answer")

    assert lanes() == []
    assert lanes(NOW + timedelta(hours=2)) == [(row.id, "new")]


def test_low_risk_is_told_once_and_then_left_alone():
    row = exposed(risk="low")
    call(row, "reached")

    assert (lanes(NOW + 5 * DAY), again(row).due_from) == ([], None)


def test_calls_are_mirrored_in_tracing(deliver_events):
    ill, friend, where = case(), person(), place()
    for who in (ill.person_id, friend.id):
        visit(who, where, local(10, 12), 60)
    trace_case(ill.id, by="test", at=NOW)
    deliver_events()
    row = FollowUp.objects.get(person=friend)

    call(row, "no_answer")
    assert Contact.objects.get().state == "tried"
    call(row, "reached", at=NOW + timedelta(hours=1))
    assert Contact.objects.get().state == "reached"
    call(row, "no_answer", at=NOW + timedelta(hours=2))
    assert Contact.objects.get().state == "reached"


def test_an_end_changed_by_hand_needs_a_reason_asks_about_quarantine_and_can_be_undone():
    row = exposed()
    services.set_quarantine(
        row.id, starts=date(2021, 3, 16), until=date(2021, 3, 29), order="official", ordered_on=date(2021, 3, 17),
        reason="risk", by="tina", at=NOW,
    )  # fmt: skip
    with pytest.raises(FollowUpError, match="say why"):
        services.set_end(row.id, until=date(2021, 3, 25), reason=" ", by="tina", at=NOW)
    changed = services.set_end(row.id, until=date(2021, 3, 25), reason="vaccinated", by="tina", at=NOW)

    assert (changed.asks, again(row).until, row.is_reduced, row.quarantine_until) == (
        "quarantine", date(2021, 3, 25), True, date(2021, 3, 29),
    )  # fmt: skip
    assert rules.explain(row.decision)[-1] == "Set to 2021-03-25 by a person: vaccinated"
    services.undo(Change.objects.get(kind="end").id, by="tina", at=NOW)
    assert (again(row).until, row.is_reduced) == (date(2021, 3, 29), False)
    assert Change.objects.get(kind="end").undone_by == "tina"


def test_undoing_an_end_keeps_what_became_known_since():
    who = person()
    row = exposed(who)
    services.set_end(row.id, until=date(2021, 3, 22), reason="vaccinated", by="tina", at=NOW)
    exposed(who, last_contact=date(2021, 3, 19), at=NOW + timedelta(hours=1))
    services.undo(Change.objects.get(kind="end").id, by="tina", at=NOW + timedelta(hours=2))

    assert again(row).until == date(2021, 4, 2)


def test_a_longer_quarantine_asks_about_the_follow_up_and_keeps_its_first_end():
    row = exposed()
    order = {
        "starts": date(2021, 3, 16),
        "order": "verbal",
        "ordered_on": date(2021, 3, 16),
        "reason": "x",
        "by": "t",
        "at": NOW,
    }
    services.set_quarantine(row.id, until=date(2021, 3, 29), **order)
    changed = services.set_quarantine(row.id, until=date(2021, 4, 5), **order)

    assert (changed.asks, again(row).until) == ("follow_up", date(2021, 3, 29))
    assert (row.is_quarantine_extended, row.is_quarantine_reduced, row.ordered_verbally) == (True, False, date(2021, 3, 16))


def test_nothing_orders_a_quarantine_by_itself():
    row = exposed()

    assert (row.quarantine_until, row.order_kind) == (None, "")
    assert "quarantine" in [one["kind"] for one in queries.offers(row, NOW)]


def close(days):
    at = NOW + days * DAY
    with clock.fixed(at):
        return services.close_days(at)


def test_days_that_pass_get_their_state_and_three_failed_ones_make_lost():
    row = exposed()
    call(row, "reached")
    for number in range(3):
        call(row, "no_answer", at=NOW + (number + 1) * DAY)
    close(4)

    states = dict(DailyCheck.objects.values_list("day", "state"))
    assert states[date(2021, 3, 20)] == "not_attempted"
    assert [states[date(2021, 3, n)] for n in (21, 22, 23)] == ["not_seen"] * 3
    assert again(row).state == State.LOST
    assert "Not reached on 3 days in a row" in rules.explain(row.end_reason)[0]


def test_days_on_which_nobody_tried_make_nobody_lost():
    row = exposed()
    check(row)
    close(6)

    assert (again(row).state, row.failed_days) == (State.OPEN, 0)
    assert DailyCheck.objects.filter(state="not_attempted").count() == 5


def test_who_was_to_report_and_did_not_missed_the_day():
    row = exposed()
    check(row)
    services.open_link(row.id, by="tina", at=NOW)
    close(3)

    assert set(DailyCheck.objects.filter(day__gt=date(2021, 3, 20)).values_list("state", flat=True)) == {"missed"}


def test_closing_days_twice_changes_nothing():
    row = exposed()
    check(row)
    close(2)
    before = DailyCheck.objects.count()

    assert (close(2), DailyCheck.objects.count()) == ({"noted": 0, "lost": 0, "ended": 0}, before)


def test_a_follow_up_ends_after_its_last_day_and_says_how_often_somebody_was_seen():
    row = exposed()
    for number in range(10):
        check(row, at=NOW + number * DAY)
    close(10)

    assert again(row).state == State.COMPLETED
    assert "seen on 10 of 14 days" in rules.explain(row.end_reason)[0]


def test_whoever_is_not_reached_at_the_end_is_followed_a_day_longer():
    row = exposed()
    check(row, at=NOW + 7 * DAY)
    call(row, "no_answer", at=NOW + 9 * DAY)
    close(10)

    assert (again(row).state, row.until) == (State.OPEN, date(2021, 3, 30))
    assert "nobody was reached" in rules.explain(row.decision)[-1]


def test_nobody_reached_is_not_called_completed():
    row, stranger = exposed(), exposed_stranger()
    close(12)

    assert (again(row).state, again(stranger).state) == (State.NOT_NEEDED, State.NOT_NEEDED)
    assert "never became known who" in rules.explain(stranger.end_reason)[0]


def exposed_stranger():
    from .factories import told

    return services.add_exposure(told(None), by="test", at=NOW)


def test_a_contact_who_becomes_a_case_keeps_the_history_and_goes_on_when_it_is_none(deliver_events):
    who = person()
    row = exposed(who)
    check(row)
    ill = cases.report_case(
        who.id, {"classification": "confirmed", "reported": date(2021, 3, 20)}, disease="covid19", source="office",
        source_key="7", by="test", at=NOW,
    )  # fmt: skip
    deliver_events(twice=True)

    assert (again(row).state, row.case_id, DailyCheck.objects.count()) == (State.CONVERTED, ill.id, 1)
    cases.revise_case(ill.id, {"classification": "not_a_case"}, by="test", at=NOW)
    deliver_events(twice=True)
    assert (again(row).state, row.case_id) == (State.OPEN, None)


def test_ending_by_hand_needs_a_reason_and_can_be_opened_again():
    row = exposed()
    services.end_follow_up(row.id, state="cancelled", reason="moved away", by="tina", at=NOW)
    assert rules.explain(again(row).end_reason) == ["Decided by a person: moved away"]
    services.reopen(row.id, reason="came back", by="tina", at=NOW)

    assert (again(row).state, row.due_from) == (State.OPEN, NOW)
    assert [one.reason for one in queries.changes_of(row)] == ["came back", "moved away"]


def team_of_three(django_user_model, district=None):
    team = services.save_team("North", by="lead", at=NOW)
    for name, languages, most in (("ana", ["es", "en"], 2), ("bao", ["vi"], 5), ("cem", ["en"], 5)):
        user = tracer(django_user_model, name)
        services.save_member(user, team, languages=languages, districts=[], most=most, by="lead", at=NOW)
    return team


def test_a_contact_goes_to_who_speaks_the_language_and_has_the_least_to_do(django_user_model):
    team_of_three(django_user_model)
    row = exposed(person(language="vi"))

    assert row.assigned_to.username == "bao"
    assert rules.explain(row.assignment) == ["Speaks vi.", "Has 0 of at most 5 contacts, the least of those who fit."]
    names = [exposed(person(language="en")).assigned_to.username for _ in range(4)]
    assert sorted(names) == ["ana", "cem", "cem", "cem"] or sorted(names) == ["ana", "ana", "cem", "cem"]


def test_nobody_is_given_more_than_they_can_take(django_user_model):
    team = services.save_team("Small", by="lead", at=NOW)
    services.save_member(tracer(django_user_model), team, languages=[], districts=[], most=1, by="lead", at=NOW)

    assert [exposed().assigned_to_id is None for _ in range(2)] == [False, True]


def test_contacts_that_nobody_has_are_given_out_and_taken_by_hand(django_user_model):
    rows = [exposed(), exposed(risk="low")]
    team_of_three(django_user_model)
    assert services.assign_waiting(by="lead", at=NOW) == 2
    dora = tracer(django_user_model, "dora")
    services.assign(rows[0].id, to=dora, by="lead", at=NOW)

    assert (lanes(mine=dora.pk), rules.explain(again(rows[0]).assignment)) == (
        [(rows[0].id, "new")],
        ["Given by hand by lead."],
    )


def test_a_shift_hands_over_and_only_the_other_takes(django_user_model):
    team_of_three(django_user_model)
    ana, bao = (django_user_model.objects.get(username=name) for name in ("ana", "bao"))
    row = exposed(person(language="es"))
    given = services.hand_over(giver=ana, taker=bao, note="mind the dog", by=ana, at=NOW)

    with pytest.raises(FollowUpError, match="somebody else"):
        services.accept_handover(given.id, by=ana, at=NOW)
    assert services.accept_handover(given.id, by=bao, at=NOW) == 1
    assert again(row).assigned_to == bao
    with pytest.raises(FollowUpError, match="taken already"):
        services.accept_handover(given.id, by=bao, at=NOW)


def test_contacts_that_are_offered_again_wait_once(django_user_model):
    team_of_three(django_user_model)
    ana, bao = (django_user_model.objects.get(username=name) for name in ("ana", "bao"))
    first, second = exposed(person(language="es")), exposed(person(language="es"))
    offer = {"giver": ana, "by": ana, "at": NOW}
    FollowUp.objects.update(assigned_to=ana)

    services.hand_over(taker=None, note="whoever", **offer)
    services.hand_over(taker=bao, note="mind the dog", ids=[first.id], **offer)
    services.hand_over(taker=bao, note="mind the cat", ids=[first.id], **offer)

    waiting = Handover.objects.order_by("id").values_list("note", "follow_ups")
    assert list(waiting) == [("whoever", [second.id]), ("mind the cat", [first.id])]


def test_a_link_takes_answers_until_it_is_closed_and_symptoms_call_a_tracer():
    row = exposed()
    call(row, "reached")
    token = services.open_link(row.id, by="tina", at=NOW)
    assert lanes() == []  # they report themselves today
    noted = services.self_report(token, Answer("seen_ill", date(2021, 3, 20), symptoms={"fever": "yes"}), at=NOW)

    assert (noted.check.how, lanes()) == ("link", [(row.id, "promised")])
    services.open_link(row.id, by="tina", at=NOW)
    assert services.find_link(token, at=NOW) is None
    assert services.find_link("x" * 24, at=NOW) is None
    assert token not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_a_link_ends_with_the_follow_up():
    row = exposed()
    token = services.open_link(row.id, by="tina", at=NOW)
    services.end_follow_up(row.id, state="cancelled", reason="x", by="tina", at=NOW)

    assert services.self_report(token, Answer("seen_ok", date(2021, 3, 20)), at=NOW) is None


def test_old_follow_ups_are_erased_with_all_that_belongs_to_them():
    row = exposed()
    check(row)
    call(row, "reached")
    services.open_link(row.id, by="tina", at=NOW)
    close(12)

    assert services.forget_follow_ups(before=NOW + 13 * DAY, at=NOW + 200 * DAY) == 1
    assert (FollowUp.objects.count(), DailyCheck.objects.count(), Change.objects.count()) == (0, 0, 0)
