"""What the invented city does beside falling ill: messages, declarations, calls, and people who are in the files twice."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet
import pytest

from epipolis.act.followup.models import Attempt, DailyCheck, FollowUp, TeamMember
from epipolis.core import access, clock
from epipolis.engines import twin
from epipolis.engines.messages import read_hl7, write_hl7
from epipolis.sense.declarations.models import Consent, Declaration
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.server.demonstration import citizens, doubles, feeding, laboratories, tracers
from tests.act.followup.factories import exposed

DAY = date(2021, 3, 20)
NOW = datetime(2021, 3, 20, 11, 0, tzinfo=UTC)  # evening in the city


@pytest.fixture(scope="module")
def city():
    return twin.build_city(800, seed=4)


@pytest.fixture(autouse=True)
def evening():
    with clock.fixed(NOW):
        yield


def case(person, **more):
    confirmed_at = int((NOW - timedelta(hours=3)).timestamp())
    return {"person": person, "confirmed_at": confirmed_at, "sampled": DAY, "reported": DAY, "symptoms": ["cough"]} | more


def test_a_case_gives_the_same_message_however_often_it_is_asked(city):
    cases = [case(number) for number in range(20)]

    [first, *_], [again, *_] = (laboratories.reports_of(city, cases, day=DAY, seed=1) for _ in range(2))
    alone = laboratories.reports_of(city, cases[:1], day=DAY, seed=1)[0]

    assert write_hl7(first[1]) == write_hl7(again[1]) == write_hl7(alone[1])


def test_a_message_says_who_it_is_in_the_persons_own_script(city):
    reports = laboratories.reports_of(city, [case(number) for number in range(60)], day=DAY, seed=1)
    names = {read_hl7(write_hl7(report), clock.zone())[0].patient.given for _sender, report in reports}

    assert names <= set(city.people.column("given_name").to_pylist())
    assert any(not name.isascii() for name in names)
    numbered = sum(bool(report.patient.identifiers) for _sender, report in reports)
    assert 30 < numbered < 55  # the others must be matched by name and birth


def test_a_case_of_another_day_or_without_a_result_gives_no_message(city):
    earlier = int((NOW - timedelta(days=2)).timestamp())

    assert laboratories.reports_of(city, [case(1, confirmed_at=earlier), case(2, confirmed_at=None)], day=DAY, seed=1) == []


@pytest.mark.django_db(transaction=True)
def test_the_faults_wait_in_the_inbox_and_the_correction_holds(city, deliver_events):
    laboratories.register(at=NOW)
    laboratories.register(at=NOW)
    faults = laboratories.faults_of(city, day=DAY, seed=1, at=NOW)

    laboratories.take(faults, at=NOW)
    laboratories.take(faults, at=NOW)
    deliver_events()

    assert Counter(LabMessage.objects.values_list("state", "problem")) == {
        ("unclear", "test"): 1,
        ("unclear", "nobody"): 1,
        ("unclear", "twin"): 1,
        ("person", ""): 1,
        ("new_case", ""): 1,
        ("existing_case", ""): 1,
    }
    assert LabResult.objects.get(status="corrected").is_in_force
    assert not LabResult.objects.get(result="positive").is_in_force
    assert set(LabMessage.objects.values_list("simulated", flat=True)) == {True}


@pytest.mark.django_db
def test_a_day_of_declarations_twice_is_one_day_and_only_who_asks_is_named(city):
    cases = [case(number) for number in range(100)]

    counts = [citizens.declare(city, cases, day=DAY, seed=1, at=NOW) for _ in range(2)]

    assert counts[0] == counts[1] == Declaration.objects.count()
    named = Declaration.objects.filter(member__person__isnull=False)
    assert 0 < named.count() < Declaration.objects.count()
    assert set(named.values_list("member__household", flat=True)) == set(Consent.objects.values_list("household", flat=True))
    assert "well" in Declaration.objects.values_list("advice", flat=True)
    assert set(Declaration.objects.values_list("simulated", flat=True)) == {True}


@pytest.mark.django_db
def test_tracers_call_only_what_they_can_and_what_is_theirs(settings):
    settings.EPIPOLIS_DEMO = True
    tracers.make_teams(at=NOW)
    tracers.make_teams(at=NOW)
    rows = [exposed(last_contact=DAY - timedelta(days=2)) for _ in range(12)]

    calls = tracers.work({"mei", "ana"}, seed=1, at=NOW, calls=2)

    assert TeamMember.objects.count() == 4
    assert calls == Attempt.objects.count() == 4
    callers = {"mei", "ana"}
    assert set(Attempt.objects.values_list("by", flat=True)) == callers
    called = FollowUp.objects.filter(attempts__isnull=False)
    assert set(called.values_list("assigned_to__username", flat=True)) == callers
    assert called.count() < len(rows)
    assert DailyCheck.objects.count() == Attempt.objects.filter(outcome="reached").count()


def test_one_in_a_hundred_is_in_the_files_twice_with_a_slip_and_without_a_number(city, tmp_path):
    path = tmp_path / "doubles.parquet"

    assert doubles.write_doubles(city, path, seed=1) == 8
    table = pyarrow.parquet.read_table(path)
    known = {
        (row["given_name"], row["family_name"], row["birth_year"], row["birth_month"], row["birth_day"])
        for row in city.people.to_pylist()
    }

    assert table.num_rows == 8
    assert "national_id" not in table.column_names
    same = [row for row in table.to_pylist() if (row["given_name"], row["family_name"], *_parts(row)) in known]
    assert len(same) <= 1  # a name of one letter, or two letters that are the same, has no slip
    assert all(date.fromisoformat(row["birth_date"]) for row in table.to_pylist())


def _parts(row):
    return tuple(map(int, row["birth_date"].split("-")))


@pytest.mark.django_db
def test_the_citys_token_outlives_the_day_on_which_the_next_is_asked_for():
    token, renew = feeding.new_token(NOW)

    assert renew > NOW + timedelta(days=1)
    assert access.device_of(f"Bearer {token}", at=renew + timedelta(days=1))
