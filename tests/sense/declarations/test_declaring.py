"""Declaring: advice that never takes silence for a no, purposes kept apart, a case only where it is allowed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.core.models import AuditEntry
from epipolis.sense.cases.models import Case, State
from epipolis.sense.city.models import District
from epipolis.sense.declarations import queries, services
from epipolis.sense.declarations.models import Consent, Declaration, Household, Member
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import PersonRow

pytestmark = pytest.mark.django_db
AT = datetime(2021, 3, 20, 4, 0, tzinfo=UTC)
TODAY = date(2021, 3, 20)
WHO = PersonRow(given_name="Ana", family_name="Torres", phones=["0912 345 678"])
ASKED = ["fever", "cough", "dyspnoea", "anosmia", "sore_throat", "runny_nose", "fatigue", "headache"]


def answers(*ill, contact="no", rest="no", **more):
    names = (*ASKED, "myalgia", "diarrhoea", "altered_mental_status")
    told = {name: "yes" if name in ill else rest for name in names if name in ill or rest}
    return services.Answers(told, {"contact_of_case": contact} if contact else {}, **more)


def start(given=None, **more):
    return services.start_and_declare(given or answers(), channel="web", by="citizen", at=AT, **more)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (answers(), "well"),
        (answers("fever"), "stay"),
        (answers("fever", "cough"), "test"),
        (answers("anosmia"), "test"),
        (answers("headache", "fatigue", "sore_throat"), "test"),
        (answers("fever", "dyspnoea"), "emergency"),
        (answers("altered_mental_status"), "emergency"),
        (answers(contact="yes"), "stay"),
        (answers("runny_nose", contact="yes"), "test"),
        (answers(temperature=Decimal("37.5")), "stay"),
        (answers(temperature=Decimal("37.4")), "well"),
        (answers(rest=None, contact=None), "unsure"),
        (answers(rest="unknown"), "unsure"),
        (answers("dyspnoea", rest=None, contact=None), "emergency"),
    ],
)
def test_the_advice_follows_the_rule(given, advice):
    made, _code = start(given)
    assert made.advice == advice
    assert made.decision["rule"].startswith("declaration_advice")
    assert made.decision["reasons"]


@given(st.dictionaries(st.sampled_from(ASKED), st.sampled_from(State.values)), st.sampled_from(["yes", "no", "unknown", None]))
def test_silence_is_never_taken_for_being_well(symptoms, contact):
    decision = queries.advise(symptoms, {"contact_of_case": contact} if contact else {}, None, day=TODAY)
    if decision.outcome == "well":
        assert contact == "no"
        assert set(symptoms.values()) == {"no"}


def test_without_a_purpose_nobody_is_named_and_no_case_is_made():
    made, _code = start(answers("fever", "cough"), row=WHO)
    assert Person.objects.count() == 0
    assert Case.objects.count() == 0
    assert made.member.person_id is None


def test_care_that_is_allowed_makes_one_suspected_case():
    made, code = start(answers("fever", "cough", onset=TODAY - timedelta(days=2)), purposes=["care"], row=WHO)
    case = Case.objects.get()
    assert (case.classification, case.onset, case.symptoms["fever"], case.source) == (
        "suspected", TODAY - timedelta(days=2), "yes", "declarations",
    )  # fmt: skip
    assert Declaration.objects.get().case_id == case.id
    household = services.open_household(code, at=AT)
    services.declare(made.member_id, answers("anosmia"), channel="web", by="citizen", at=AT + timedelta(days=1))
    assert Case.objects.count() == 1
    assert Case.objects.get().symptoms["anosmia"] in ("no", "yes")
    assert household == made.member.household_id


def test_aid_alone_makes_no_case():
    start(answers("fever", "cough"), purposes=["aid"], needs=["food"], row=WHO)
    assert Case.objects.count() == 0
    assert queries.count_needing_help(AT) == 1


def test_each_purpose_sees_only_those_who_allow_it_and_only_its_fields():
    start(answers("fever"), purposes=["care"], row=WHO)
    start(answers("cough"), purposes=["aid"], needs=["pets"], row=replace(WHO, phones=["0987654321"]))
    for purpose, fields in queries.FIELDS.items():
        rows = list(queries.export_rows(purpose, AT))
        assert len(rows) == (1 if purpose in ("care", "aid") else 0)
        assert all(set(row) == set(fields) for row in rows)
    assert "symptoms" not in queries.FIELDS["aid"]
    assert "needs" not in queries.FIELDS["care"]
    assert "symptoms" not in queries.FIELDS["permit"]


def test_a_purpose_that_is_withdrawn_shows_nothing_from_then_on():
    made, _code = start(answers("fever"), purposes=["care"], row=WHO)
    household = made.member.household_id
    assert services.allow(household, "care", False, by="citizen", at=AT)
    assert not services.allow(household, "care", False, by="citizen", at=AT)
    assert list(queries.declared_for("care", AT)) == []
    assert Consent.objects.get().withdrawn == AT


def test_the_same_form_twice_is_one_household():
    sent = uuid4()
    first, code = start(answers("fever"), client_id=sent)
    second, renewed = start(answers("fever"), client_id=sent)
    assert first == second
    assert Household.objects.count() == Declaration.objects.count() == 1
    assert services.open_household(renewed, at=AT) == first.member.household_id
    with pytest.raises(services.CodeError):
        services.open_household(code, at=AT)


def test_a_later_declaration_of_a_day_holds_and_the_earlier_stays():
    made, _code = start(answers("fever"))
    services.declare(made.member_id, answers(), channel="web", by="citizen", at=AT + timedelta(hours=1))
    assert list(Declaration.objects.order_by("at").values_list("advice", "is_current")) == [("stay", False), ("well", True)]
    assert queries.count_today(AT) == {"declared": 1, "ill": 0}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (services.Answers({"fever": "maybe"}), "symptoms"),
        (services.Answers({"plague": "yes"}), "symptoms"),
        (services.Answers({}, {"fever": "yes"}), "circumstances"),
        (services.Answers(onset=TODAY + timedelta(days=1)), "onset"),
        (services.Answers(onset=TODAY - timedelta(days=61)), "onset"),
        (services.Answers(temperature=Decimal("98.6")), "temperature"),
        (services.Answers(temperature=Decimal("NaN")), "temperature"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_whole(bad, field):
    with pytest.raises(services.DeclarationError) as caught:
        start(bad)
    assert caught.value.field == field
    assert Household.objects.count() == 0


def test_a_day_in_the_future_or_long_ago_is_refused():
    made, _code = start()
    for days in (1, -61):
        with pytest.raises(services.DeclarationError):
            services.declare(made.member_id, answers(), channel="web", by="citizen", at=AT, day=TODAY + timedelta(days=days))


def test_a_household_has_an_end_to_its_members_and_words():
    made, _code = start()
    household = made.member.household_id
    for _number in range(14):
        services.add_member(household, "child", by="citizen", at=AT)
    with pytest.raises(services.HouseholdError, match="15"):
        services.add_member(household, "child", by="citizen", at=AT)
    for relation, label in (("king", ""), ("child", "x" * 61), ("child", "a\0b")):
        Member.objects.filter(relation="child").delete()
        with pytest.raises(services.HouseholdError):
            services.add_member(household, relation, label=label, by="citizen", at=AT)


def test_wrong_codes_lock_it_and_an_old_one_opens_nothing():
    made, code = start()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _try in range(10):
        with pytest.raises(services.CodeError):
            services.open_household(wrong, at=AT)
    with pytest.raises(services.CodeError) as caught:
        services.open_household(code, at=AT)
    assert caught.value.locked
    fresh = services.renew_code(made.member.household_id, by="staff", at=AT)
    assert services.open_household(fresh.lower().replace("-", " "), at=AT) == made.member.household_id
    with pytest.raises(services.CodeError):
        services.open_household(fresh, at=AT + timedelta(days=61))
    for nonsense in ("", "x", "\0" * 16, "💥" * 16):
        with pytest.raises(services.CodeError):
            services.open_household(nonsense, at=AT)


def test_a_household_leaves_without_a_trace_and_old_ones_end_by_themselves():
    made, _code = start(answers("fever"), purposes=["care"], row=WHO)
    services.forget_household(made.member.household_id, by="citizen", at=AT)
    assert not Household.objects.exists()
    assert not Declaration.objects.exists()
    start()
    later = AT + timedelta(days=40)
    assert services.forget_old(later - timedelta(days=30), later) == 1
    assert Household.objects.count() == 1  # the code still opens
    services.forget_old(AT + timedelta(days=40), AT + timedelta(days=70))
    assert not Household.objects.exists()


def test_small_counts_are_not_shown():
    district = District.objects.create(code="D1", name="North", known_at=AT)
    for number in range(6):
        start(answers("fever") if number < 2 else answers(), district=district)
    few = District.objects.create(code="D2", name="South", known_at=AT)
    start(answers("fever"), district=few)
    rows = {row.district: (row.declared, row.ill) for row in queries.by_district(AT)}
    assert rows == {"North": (6, None), "South": (None, None)}


def test_new_illness_is_counted_once_on_its_first_day_and_never_before_it_was_known():
    made, _code = start(answers("fever", onset=TODAY - timedelta(days=3)))
    services.declare(made.member_id, answers("fever"), channel="web", by="citizen", at=AT + timedelta(days=1))
    assert queries.counts_as_known(AT - timedelta(seconds=1)) == []
    assert queries.counts_as_known(AT + timedelta(days=2)) == [(TODAY - timedelta(days=3), None, TODAY, 1)]


def test_the_trail_holds_no_answer():
    start(answers("fever", "cough"), purposes=["care"], row=WHO)
    for entry in AuditEntry.objects.filter(action__startswith="declarations"):
        assert "fever" not in str(entry.detail)
        assert "Torres" not in str(entry.detail)
