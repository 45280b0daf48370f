from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.core.imports import ImportOptions
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseRevision, CaseTest, Classified

from .factories import AT, LATER, case, finding, open_case

pytestmark = pytest.mark.django_db
SUSPECT = {"symptoms": {"fever": "yes", "cough": "yes"}, "circumstances": {"health_worker": "yes"}}
PROBABLE = {"symptoms": {"anosmia": "yes"}}


def now(made):
    found = queries.case(made.id)
    return found.classification, found.classified


def decision(made):
    return Classified.objects.get(case=made, superseded_at=None)


def test_a_case_that_nobody_classified_is_judged_by_its_symptoms_with_reasons():
    made = open_case(**PROBABLE)

    assert now(made) == ("probable", "automatic")
    kept = decision(made)
    assert (kept.outcome, kept.kept, kept.conflict) == ("probable", "automatic", False)
    assert kept.decision["rule"] == "case_definition WHO 2020-12-16"
    assert queries.explained(kept.decision)[:2] == [
        "Probable, criterion C: recent loss of smell or taste without another known cause",
        "Loss of smell: yes",
    ]
    assert list(CaseRevision.objects.filter(case=made).order_by("revision").values_list("origin", flat=True)) == ["", "rules"]


def test_new_answers_change_the_classification_and_taking_them_back_changes_it_back():
    made = open_case()
    assert now(made) == ("suspected", "automatic")

    services.revise_case(made.id, PROBABLE, by="tracer", at=LATER)
    assert now(made) == ("probable", "automatic")
    services.undo_revision(made.id, by="tracer", at=LATER)

    assert now(made) == ("suspected", "automatic")
    assert queries.case(made.id).symptoms == {}
    assert decision(made).outcome == ""
    assert Classified.objects.filter(case=made).count() == 2


def test_classifying_twice_changes_nothing():
    made = open_case(**PROBABLE)
    before = (queries.case(made.id).revision, Classified.objects.count())

    services.classify_case(made.id, by="x", at=LATER)

    assert (queries.case(made.id).revision, Classified.objects.count()) == before


def test_a_positive_test_confirms_with_its_days_and_its_correction_takes_the_confirmation_back():
    made = open_case(onset=date(2026, 3, 6))
    taken, known = datetime(2026, 3, 7, 9, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)

    finding(made, ref="7", sampled_at=taken, resulted_at=known)
    found = queries.case(made.id)
    assert (found.classification, found.sampled, found.confirmed) == ("confirmed", date(2026, 3, 7), date(2026, 3, 8))
    finding(made, "negative", ref="7", status="corrected", sampled_at=taken, resulted_at=known + timedelta(hours=1))

    found = queries.case(made.id)
    assert (found.classification, found.confirmed, found.classified) == ("suspected", None, "automatic")
    first, second = CaseTest.objects.order_by("id")
    assert (first.superseded_by, first.superseded_at, second.superseded_by) == (second, LATER, None)


@pytest.mark.parametrize("status", ["preliminary", "withdrawn"])
def test_a_result_that_is_not_final_does_not_confirm(status):
    made = open_case()

    finding(made, status=status)

    assert now(made) == ("suspected", "automatic")


def test_a_preliminary_result_that_becomes_final_confirms():
    made = open_case()
    finding(made, ref="7", status="preliminary", resulted_at=AT)
    finding(made, ref="7", status="final", resulted_at=AT)

    assert now(made) == ("confirmed", "automatic")
    assert CaseTest.objects.filter(superseded_by=None).count() == 1


def test_what_a_person_says_for_a_reason_survives_recalculation_shows_the_conflict_and_can_be_dropped():
    made = open_case(**PROBABLE)

    services.override_classification(made.id, "not_a_case", reason="another cause found", by="doctor", at=LATER)
    services.revise_case(made.id, SUSPECT, by="tracer", at=LATER)
    finding(made)

    found = queries.case(made.id)
    assert (found.classification, found.classified, found.classified_why) == ("not_a_case", "manual", "another cause found")
    assert (decision(made).outcome, decision(made).conflict) == ("confirmed", True)
    assert queries.judged(found, LATER).conflict
    assert queries.count_conflicts(LATER) == 1
    services.follow_rules(made.id, by="doctor", at=LATER)
    assert now(made) == ("confirmed", "automatic")
    assert queries.count_conflicts(LATER) == 0
    assert queries.case(made.id).classified_why == ""


def test_a_classification_against_the_rules_needs_a_reason_and_a_fresh_look():
    made = open_case()

    with pytest.raises(ValueError, match="say why"):
        services.override_classification(made.id, "confirmed", reason=" ", by="x", at=LATER)
    with pytest.raises(services.StaleRevisionError):
        services.override_classification(made.id, "confirmed", reason="x", by="x", at=LATER, expected=9)
    with pytest.raises(services.FactsError):
        services.override_classification(made.id, "perhaps", reason="x", by="x", at=LATER)
    assert now(made) == ("suspected", "automatic")


def test_changing_the_classification_by_hand_is_a_persons_word_and_undo_gives_it_back_to_the_rules():
    made = open_case(**PROBABLE)

    services.confirm_case(made.id, by="doctor", at=LATER)
    assert now(made) == ("confirmed", "manual")
    assert decision(made).conflict

    services.undo_revision(made.id, by="doctor", at=LATER)
    assert now(made) == ("probable", "automatic")
    assert not decision(made).conflict


def test_a_reported_classification_is_the_sources_word():
    made = case(classification="suspected", **PROBABLE)

    assert now(made) == ("suspected", "source")
    assert decision(made).conflict


def test_where_the_rules_leave_it_open_no_word_is_in_conflict():
    made = case(classification="confirmed", symptoms={"headache": "yes"})

    assert (decision(made).outcome, decision(made).conflict) == ("", False)


def test_a_disease_without_a_definition_is_left_to_people():
    made = open_case(disease="dengue", symptoms={"rash": "yes"})

    finding(made)

    assert now(made) == ("suspected", "automatic")
    assert queries.judged(queries.case(made.id), LATER) is None
    with pytest.raises(LookupError, match="no case definition"):
        services.follow_rules(made.id, by="x", at=LATER)


def test_a_test_for_another_disease_and_a_negative_one_rule_the_case_out():
    made = open_case(**SUSPECT)
    finding(made, "negative", disease="SARS-CoV-2")
    assert now(made)[0] == "suspected"

    finding(made, "positive", disease="influenza")

    assert now(made) == ("not_a_case", "automatic")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"symptoms": {"hiccups": "yes"}}, "symptoms"),
        ({"symptoms": {"fever": "perhaps"}}, "symptoms"),
        ({"symptoms": ["fever"]}, "symptoms"),
        ({"circumstances": {"cluster": ["yes"]}}, "circumstances"),
        ({"classified": "somebody"}, "classified"),
    ],
)
def test_answers_that_are_none_are_refused(facts, field):
    with pytest.raises(services.FactsError) as caught:
        open_case(**facts)

    assert [broken.field for broken in caught.value.broken] == [field]


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"kind": "guess"}, "kind"),
        ({"result": "maybe"}, "result"),
        ({"status": "soon"}, "status"),
        ({"source": ""}, "source"),
        ({"ref": "x" * 201}, "source_ref"),
        ({"sampled_at": LATER + timedelta(days=2)}, "sampled_at"),
        ({"sampled_at": AT, "resulted_at": AT - timedelta(days=2)}, "sampled_at"),
    ],
)
def test_a_finding_that_cannot_be_is_refused(told, field):
    made = open_case()

    with pytest.raises(services.FactsError) as caught:
        finding(made, **{"result": "positive"} | told)

    assert (caught.value.broken[0].field, CaseTest.objects.count()) == (field, 0)


def test_the_same_finding_a_thousand_times_is_one():
    made = open_case()

    rows = {finding(made, ref="7", resulted_at=AT).id for _ in range(20)}

    assert (len(rows), CaseTest.objects.count()) == (1, 1)


def test_a_correction_that_arrives_before_what_it_corrects_still_counts():
    made = open_case()
    finding(made, "negative", ref="7", status="corrected", resulted_at=AT + timedelta(hours=2))

    late = finding(made, "positive", ref="7", status="final", resulted_at=AT)

    assert now(made)[0] == "suspected"
    assert late.superseded_by.result == "negative"
    assert CaseTest.objects.get(superseded_by=None).result == "negative"


def test_a_finding_that_moves_to_another_person_leaves_the_first_case():
    one, other = open_case(), open_case()
    finding(one, ref="7", resulted_at=AT)

    finding(other, ref="7", status="corrected", resulted_at=LATER)

    assert (now(one)[0], now(other)[0]) == ("suspected", "confirmed")


HEADER = "case id,onset,fever,tos,嗅覺喪失,health worker,classification\n"


@pytest.fixture
def take(tmp_path):
    def run(text, at=AT):
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        return services.import_cases(path, ImportOptions(by="x", at=at, source="list"))

    return run


def numbered(key):
    return queries.case_numbered("list", key)


def test_symptom_columns_in_three_languages_fill_the_answers_and_the_rules_judge_what_the_file_does_not(take):
    report = take(
        f"{HEADER}1,2026-03-01,yes,sí,無,yes,\n2,,no,desconocido,有,no,\n3,,Y,?,,,confirmed\n4,,,,,,\n5,,perhaps,,,,\n"
    )

    assert (report.accepted, [(one.row, one.field) for one in report.problems]) == (5, [(6, "symptoms.fever")])
    assert numbered("1").symptoms == {"fever": "yes", "cough": "yes", "anosmia": "no"}
    assert numbered("1").circumstances == {"health_worker": "yes"}
    assert numbered("1").has_symptoms is True
    assert now(numbered("1")) == ("suspected", "automatic")
    assert numbered("2").symptoms == {"fever": "no", "cough": "unknown", "anosmia": "yes"}
    assert now(numbered("2")) == ("probable", "automatic")
    assert now(numbered("3")) == ("confirmed", "source")
    assert now(numbered("4")) == ("suspected", "automatic")
    assert set(Classified.objects.values_list("case__source_key", "outcome", "conflict")) == {
        ("1", "suspected", False),
        ("2", "probable", False),
        ("3", "", False),
    }


def test_an_imported_classification_stays_against_the_rules_and_shows_the_conflict(take):
    take(f"{HEADER}1,,no,no,yes,no,not a case\n")

    assert now(numbered("1")) == ("not_a_case", "source")
    assert decision(numbered("1")).conflict


def test_the_same_file_again_changes_nothing_and_news_are_added_to_answers_of_people(take):
    first = f"{HEADER}1,,no,yes,,,\n"
    take(first)
    services.revise_case(numbered("1").id, {"symptoms": {"fever": "no", "cough": "yes", "rash": "yes"}}, by="x", at=LATER)

    again = take(first, at=LATER)
    assert (again.changed, again.unchanged, again.warnings) == (0, 1, 0)
    report = take(f"{HEADER}1,,no,yes,yes,,\n", at=LATER + timedelta(hours=1))

    assert report.changed == 1
    assert numbered("1").symptoms == {"fever": "no", "cough": "yes", "rash": "yes", "anosmia": "yes"}
    assert now(numbered("1")) == ("probable", "automatic")
    assert Case.objects.count() == 1


def test_what_the_rules_concluded_does_not_keep_the_sources_news_out(take):
    take("case id,classification,fever\n1,suspected,\n")
    services.follow_rules(numbered("1").id, by="x", at=LATER)
    services.revise_case(numbered("1").id, PROBABLE, by="x", at=LATER)
    assert now(numbered("1")) == ("probable", "automatic")

    assert take("case id,classification,fever\n1,suspected,\n", at=LATER).changed == 0
    take("case id,classification,fever\n1,confirmed,\n", at=LATER)

    assert now(numbered("1")) == ("confirmed", "source")


@pytest.mark.parametrize(
    ("cell", "symptoms", "has", "note"),
    [
        ("fever; no cough", {"fever": "yes", "cough": "no"}, True, ""),
        ("fiebre, tos, sin diarrea", {"fever": "yes", "cough": "yes", "diarrhoea": "no"}, True, ""),
        ("發燒、咳嗽", {"fever": "yes", "cough": "yes"}, True, ""),
        ("fever: yes; cough: unknown", {"fever": "yes", "cough": "unknown"}, True, ""),
        ("asymptomatic", {}, False, ""),
        ("fever, feels odd", {"fever": "yes"}, True, "symptoms: feels odd"),
        ("", {}, None, ""),
    ],
)
def test_symptoms_in_one_cell_are_read_by_name(take, cell, symptoms, has, note):
    take(f'case id,symptoms\n1,"{cell}"\n')

    found = numbered("1")
    assert (found.symptoms, found.has_symptoms, found.note) == (symptoms, has, note)
