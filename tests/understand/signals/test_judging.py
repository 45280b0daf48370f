"""What people make of a signal: with a reason, by one person at a time, and never without a way back."""

import pytest

from epipolis.core.models import AuditEntry
from epipolis.understand.signals import queries, services
from epipolis.understand.signals.models import Judgement, Signal

from .factories import NOW, TODAY, YESTERDAY, judge

pytestmark = pytest.mark.django_db


def signal(day=YESTERDAY, area="D1", **more):
    facts = {"series": "cases", "method": "regression", "value": 20, "expected": 4, "upper": 9, "rate": 1.0, "rule": "r 1"}
    moments = {"known_at": NOW, "raised_at": NOW, "revised_at": NOW}
    return Signal.objects.create(area=area, day=day, **(facts | moments | more))


def test_a_step_is_noted_with_who_and_why():
    one = signal()

    made = judge(one, "explained", reason="  outbreak in one\n nursing home ")

    one.refresh_from_db()
    assert (one.state, made.before, made.after, made.by_name) == ("explained", "open", "explained", "ana")
    assert made.reason == "outbreak in one nursing home"
    assert AuditEntry.objects.filter(action="signals.judge", subject=str(one.id)).count() == 1


def test_the_same_word_twice_is_one_step():
    one = signal()
    judge(one, "false_alarm", reason="a backlog")

    assert judge(one, "false_alarm", reason="a backlog") is None
    assert judge(one, "false_alarm", reason="two backlogs") is not None
    assert Judgement.objects.count() == 2


@pytest.mark.parametrize(
    ("state", "more", "why"),
    [
        ("explained", {}, "Say why"),
        ("false_alarm", {"reason": " \n "}, "Say why"),
        ("false_alarm", {"reason": "\0"}, "Say why"),
        ("solved", {}, "no state “solved”"),
        ("", {}, "no state"),
        ("explained", {"reason": "x" * 501}, "at most 500"),
        ("looked_at", {"seen": "explained"}, "Somebody else has just changed"),
    ],
)
def test_what_cannot_be_noted_changes_nothing(state, more, why):
    one = signal()

    with pytest.raises(ValueError, match=why):
        judge(one, state, **more)

    one.refresh_from_db()
    assert one.state == "open"
    assert not Judgement.objects.exists()


def test_a_signal_that_is_not_there_is_not_judged():
    one = signal()
    one.delete()

    with pytest.raises(LookupError):
        judge(one, "looked_at")


def test_a_step_is_taken_back_once():
    one = signal()
    judge(one, "looked_at")
    made = judge(one, "explained", reason="market")

    services.undo_judgement(made.id, by="bo", at=NOW)

    one.refresh_from_db()
    assert one.state == "looked_at"
    with pytest.raises(ValueError, match="only once"):
        services.undo_judgement(made.id, by="bo", at=NOW)
    with pytest.raises(ValueError, match="Only the last step"):
        services.undo_judgement(queries.judgements_of(one)[-1].id, by="bo", at=NOW)
    with pytest.raises(ValueError, match="only once"):
        services.undo_judgement(queries.judgements_of(one)[0].id, by="bo", at=NOW)
    with pytest.raises(LookupError):
        services.undo_judgement(10**9, by="bo", at=NOW)


def test_the_open_ones_of_one_series_and_place_are_judged_and_taken_back_together():
    one, before = signal(), signal(day=TODAY.replace(day=20))
    elsewhere, done = signal(area="D2"), signal(day=TODAY.replace(day=2), state="looked_at")

    made = judge(one, "explained", reason="school", with_earlier=True)

    assert set(Signal.objects.filter(state="explained")) == {one, before}
    judge(before, "false_alarm", reason="no, that one was the laboratory")
    services.undo_judgement(made.id, by="ana", at=NOW)
    states = {row.id: row.state for row in Signal.objects.all()}
    assert states == {one.id: "open", before.id: "false_alarm", elsewhere.id: "open", done.id: "looked_at"}


def test_the_record_holds_what_was_stated_against_what_people_found():
    from epipolis.understand.signals.models import Watched

    for n, state in enumerate(("open", "looked_at", "explained", "false_alarm", "false_alarm")):
        signal(day=TODAY.replace(day=n + 1), state=state)
    for n in range(10):
        Watched.objects.create(series="cases", method="regression", day=TODAY.replace(day=n + 1), places=5, stated=0.1)

    (row,) = queries.record()
    total = queries.in_all([row])

    assert (row["raised"], row["found"], row["at_most"], row["explained"], row["waiting"]) == (5, 2, 4, 1, 2)
    assert (row["days"], row["places"], round(row["stated"], 6)) == (10, 5, 1.0)
    assert (total["days"], total["found"], total["at_most"]) == (10, 2, 4)
