"""Until when somebody stays, by dated rules: local calendar days, the latest contact, symptoms that last."""

from datetime import date

import pytest

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.queries import Contact, Illness
from epipolis.core import rules

pytestmark = pytest.mark.django_db
TODAY = date(2021, 3, 20)


def quarantine(*days, jurisdiction="", on=TODAY):
    return queries.plan_quarantine(
        [Contact(day) for day in days], day=on, pack=queries.rules_of("quarantine", on, jurisdiction=jurisdiction)
    )


def isolation(*, on=TODAY, jurisdiction="", **facts):
    return queries.plan_isolation(Illness(**facts), day=on, pack=queries.rules_of("isolation", on, jurisdiction=jurisdiction))


@pytest.mark.parametrize(
    ("jurisdiction", "on", "last"),
    [
        ("WHO", date(2020, 4, 1), date(2021, 3, 24)),
        ("DE", date(2020, 12, 10), date(2021, 3, 24)),
        ("DE", date(2022, 1, 20), date(2021, 3, 20)),
        ("US", date(2021, 12, 26), date(2021, 3, 24)),
        ("US", date(2021, 12, 27), date(2021, 3, 15)),
    ],
)
def test_the_rule_in_force_on_the_day_says_how_long_quarantine_is(jurisdiction, on, last):
    found = quarantine(date(2021, 3, 10), jurisdiction=jurisdiction, on=on)

    assert (found.starts, found.until) == (date(2021, 3, 11), last)
    assert found.decision.rule.startswith(f"quarantine {jurisdiction}")


def test_of_several_contacts_the_last_one_counts():
    found = quarantine(date(2021, 3, 10), date(2021, 3, 14), date(2021, 3, 12))

    assert (found.starts, found.until) == (date(2021, 3, 11), date(2021, 3, 28))


def test_without_a_day_there_is_no_last_day_and_it_says_what_to_ask():
    found = quarantine()

    assert (found.starts, found.until) == (None, None)
    assert "Ask for it" in rules.explain(found.decision.to_json())[0]


def test_with_symptoms_it_is_thirteen_days_at_the_earliest_and_no_more_is_known():
    found = isolation(onset=date(2021, 3, 10), has_symptoms=True)

    assert (found.until, found.is_earliest) == (date(2021, 3, 23), True)
    assert "this is the earliest last day" in " ".join(rules.explain(found.decision.to_json()))


@pytest.mark.parametrize(
    ("well_since", "last"),
    [
        (date(2021, 3, 14), date(2021, 3, 23)),  # well early: ten days and three more
        (date(2021, 3, 21), date(2021, 3, 23)),
        (date(2021, 3, 25), date(2021, 3, 27)),  # ill until the 24th, then three days
    ],
)
def test_three_days_without_symptoms_are_counted_after_both_the_ten_days_and_the_last_symptom(well_since, last):
    found = isolation(onset=date(2021, 3, 10), well_since=well_since)

    assert (found.until, found.is_earliest) == (last, False)


def test_who_never_had_symptoms_isolates_ten_days_from_the_sample_not_from_the_result():
    found = isolation(sampled=date(2021, 3, 9), reported=date(2021, 3, 12), has_symptoms=False)

    assert (found.until, found.is_earliest) == (date(2021, 3, 19), False)


def test_without_an_onset_the_sample_counts_only_where_it_is_not_after_the_report():
    early = isolation(sampled=date(2021, 3, 9), reported=date(2021, 3, 12), has_symptoms=True)
    late = isolation(sampled=date(2021, 3, 14), reported=date(2021, 3, 12), has_symptoms=True)

    assert (early.until, late.until) == (date(2021, 3, 22), date(2021, 3, 25))


def test_the_first_rule_of_the_who_had_no_days_without_symptoms():
    found = isolation(on=date(2020, 2, 1), onset=date(2020, 1, 20), has_symptoms=True)

    assert (found.until, found.is_earliest) == (date(2020, 2, 3), False)


def test_every_pack_that_ships_can_be_decided_by():
    for name in ("quarantine", "isolation"):
        for pack in rules.versions(name):
            if name == "quarantine":
                assert queries.plan_quarantine([Contact(TODAY)], day=TODAY, pack=pack).until > TODAY
                assert {frozenset(one) for one in pack["earlier"]} <= {frozenset(("days", "test_from_day"))}
            else:
                assert queries.plan_isolation(Illness(onset=TODAY), day=TODAY, pack=pack).until > TODAY
            assert "check before use" in pack.source
