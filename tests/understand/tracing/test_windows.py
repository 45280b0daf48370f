"""The days on which a case could infect others, and on which it was infected (R2, R6), by versions of the rules."""

from datetime import UTC, date, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from epipolis.core import rules
from epipolis.sense.cases.models import Case
from epipolis.understand.tracing.queries import infectious_window, source_window

pytestmark = pytest.mark.django_db
TAIPEI = ZoneInfo("Asia/Taipei")
DAY = date(2021, 3, 20)


def day(text):
    return date.fromisoformat(text) if text else None


def facts(onset="", sampled="", reported="", confirmed="", symptoms=None, classification="confirmed", **others):
    days = {"onset": day(onset), "sampled": day(sampled), "reported": day(reported), "confirmed": day(confirmed)}
    return Case(classification=classification, has_symptoms=symptoms, **days, **others)


def window(case, on=DAY, jurisdiction="WHO", zone=TAIPEI):
    return infectious_window(case, rules.in_force("infectious_window", on, jurisdiction=jurisdiction), zone, day=on)


@pytest.mark.parametrize(
    ("case", "first", "last", "used"),
    [
        # R2: symptomatic, 2 days before onset to 10 days after and 3 without symptoms.
        (facts(onset="2021-03-10", symptoms=True), "2021-03-08", "2021-03-23", "Symptoms began on 2021-03-10."),
        (facts(onset="2021-03-10"), "2021-03-08", "2021-03-23", "Symptoms began on 2021-03-10."),
        # R2: asymptomatic, around the day of the sample, not of the report.
        (
            facts(sampled="2021-03-10", reported="2021-03-13", symptoms=False),
            "2021-03-08",
            "2021-03-20",
            "There were no symptoms; the sample was taken on 2021-03-10.",
        ),
        (
            facts(sampled="2021-03-14", reported="2021-03-13", symptoms=False),
            "2021-03-12",
            "2021-03-24",
            "There were no symptoms; the sample was taken on 2021-03-14.",
        ),
        # R6: no onset: the sample, where it was earlier than the report …
        (
            facts(sampled="2021-03-10", reported="2021-03-13", symptoms=True),
            "2021-03-08",
            "2021-03-23",
            "The start of symptoms is not known; the sample of 2021-03-10, taken before the report, is used.",
        ),
        # … else the report …
        (
            facts(sampled="2021-03-15", reported="2021-03-13", symptoms=True),
            "2021-03-11",
            "2021-03-26",
            "Neither the start of symptoms nor an earlier sample is known; the report of 2021-03-13 is used.",
        ),
        (
            facts(reported="2021-03-13", symptoms=False),
            "2021-03-11",
            "2021-03-23",
            "Neither the start of symptoms nor an earlier sample is known; the report of 2021-03-13 is used.",
        ),
        # … else the day of confirmation, which is all that some lists have.
        (
            facts(confirmed="2021-03-13"),
            "2021-03-11",
            "2021-03-26",
            "Only the day of confirmation is known; 2021-03-13 is used.",
        ),
        # An impossible day is said to be so and passed over.
        (
            facts(onset="0021-03-10", reported="2021-03-13", symptoms=True),
            "2021-03-11",
            "2021-03-26",
            "The day 0021-03-10 cannot be right and is not used.",
        ),
        # The dead visit nobody.
        (
            facts(onset="2021-03-10", outcome="died", ended=day("2021-03-14")),
            "2021-03-08",
            "2021-03-14",
            "Symptoms began on 2021-03-10.",
        ),
        (
            facts(onset="2021-03-10", outcome="recovered", ended=day("2021-03-14")),
            "2021-03-08",
            "2021-03-23",
            "Symptoms began on 2021-03-10.",
        ),
    ],
)
def test_the_infectious_days_follow_from_the_facts(case, first, last, used):
    found, decision = window(case)

    assert (found.first, found.last) == (day(first), day(last))
    assert rules.explain(decision.to_json())[0] == used
    assert decision.rule == "infectious_window WHO 2020-12-16"


def test_unknown_symptoms_give_the_longer_period_and_say_so():
    found, decision = window(facts(reported="2021-03-13"))

    assert (found.first, found.last) == (date(2021, 3, 11), date(2021, 3, 26))
    assert any("Whether there were symptoms is not known" in reason for reason in rules.explain(decision.to_json()))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (facts(), "No day of this case is known, so nobody can be traced yet."),
        (facts(onset="2021-03-10", classification="not_a_case"), "This is not a case (any more)."),
        (facts(onset="2021-03-10", same_as=uuid4()), "This is the same illness as another case, and is traced there."),
    ],
)
def test_there_is_no_window_without_a_day_or_without_a_case(case, reason):
    found, decision = window(case)

    assert (found, decision.outcome, rules.explain(decision.to_json())) == (None, "none", [reason])


@pytest.mark.parametrize(
    ("on", "jurisdiction", "version", "last"),
    [
        ("2020-01-22", "WHO", "2020-03-20", "2021-03-24"),
        ("2020-05-26", "WHO", "2020-03-20", "2021-03-24"),
        ("2020-05-27", "WHO", "2020-05-27", "2021-03-23"),
        ("2020-12-16", "WHO", "2020-12-16", "2021-03-23"),
        ("2020-04-30", "DE", "2020-03-20", "2021-03-24"),
        ("2021-03-20", "DE", "2020-05", "2021-03-22"),
        ("2021-03-20", "US", "2020-07", "2021-03-21"),
    ],
)
def test_the_rules_of_the_asked_day_and_place_decide(on, jurisdiction, version, last):
    found, decision = window(facts(onset="2021-03-10", symptoms=True), on=day(on), jurisdiction=jurisdiction)

    assert (found.first, found.last) == (date(2021, 3, 8), day(last))
    assert (decision.rule.split()[-1], decision.day) == (version, day(on))


@pytest.mark.parametrize(
    ("zone", "since", "until"),
    [
        ("Asia/Taipei", datetime(2021, 3, 7, 16, tzinfo=UTC), datetime(2021, 3, 23, 16, tzinfo=UTC)),
        ("America/New_York", datetime(2021, 3, 8, 5, tzinfo=UTC), datetime(2021, 3, 24, 4, tzinfo=UTC)),  # clocks change
        ("Europe/Madrid", datetime(2021, 3, 7, 23, tzinfo=UTC), datetime(2021, 3, 23, 23, tzinfo=UTC)),
    ],
)
def test_days_begin_and_end_at_local_midnight(zone, since, until):
    found, _ = window(facts(onset="2021-03-10", symptoms=True), zone=ZoneInfo(zone))

    assert (found.since, found.until) == (since, until)


def sources(case):
    return source_window(case, rules.in_force("source_window", DAY), TAIPEI, day=DAY)


def test_infection_happened_two_to_fourteen_days_before_onset():
    found, decision = sources(facts(onset="2021-03-20"))

    assert (found.first, found.last) == (date(2021, 3, 6), date(2021, 3, 18))
    assert "From infection to symptoms take 2 to 14 days." in rules.explain(decision.to_json())


def test_a_known_exposure_stands_before_the_incubation():
    found, decision = sources(facts(onset="2021-03-20", exposed_from=day("2021-03-16"), exposed_until=day("2021-03-17")))

    assert (found.first, found.last) == (date(2021, 3, 16), date(2021, 3, 17))
    assert rules.explain(decision.to_json())[0] == "The time of the exposure is known."


def test_an_exposure_that_ends_before_it_begins_is_not_used():
    found, _ = sources(facts(onset="2021-03-20", exposed_from=day("2021-03-17"), exposed_until=day("2021-03-16")))

    assert (found.first, found.last) == (date(2021, 3, 6), date(2021, 3, 18))


def test_without_any_day_there_is_no_time_of_infection():
    assert sources(facts())[0] is None
