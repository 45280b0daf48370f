import csv
from datetime import date, timedelta

import pytest

from epipolis.core import clock
from epipolis.core.models import AuditEntry, TaskRun
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import CaseTest, DuplicateQuestion, Replay
from epipolis.sense.people.events import PeopleMerged

from .factories import AT, LATER, case, finding, merged, open_case, somebody

pytestmark = pytest.mark.django_db
SMELL = {"symptoms": {"anosmia": "yes"}}


@pytest.fixture(autouse=True)
def at_noon():
    with clock.fixed(LATER):
        yield


@pytest.fixture
def tracer(client, staff):
    client.force_login(staff("tracer"))
    return client


@pytest.fixture
def expert(client, staff):
    client.force_login(staff("epidemiologist"))
    return client


def page(made, rest=""):
    return f"/cases/{made.id}/{rest}"


def text(response):
    return response.content.decode()


def two_cases():
    one, other = somebody(), somebody()
    first, second = open_case(person=one, onset=date(2026, 3, 1)), open_case(person=other, onset=date(2026, 3, 4), at=LATER)
    merged(one, other)
    services.on_people_merged(PeopleMerged(one.id, other.id))
    return first, second


def test_the_pages_and_changes_are_for_people_with_the_permission(client, staff):
    made = open_case(**SMELL)
    client.force_login(staff("commander"))
    assert client.get(page(made)).status_code == 200
    assert client.get("/cases/definitions/").status_code == 200
    assert "Try a definition" not in text(client.get("/cases/definitions/"))
    for path in ("symptoms/", "same/undo/", "same/", "tests/", "classification/", "classification/rules/"):
        assert client.post(page(made, path)).status_code == 403, path
    assert client.get("/cases/same/").status_code == 403
    assert client.post("/cases/same/1/", {"answer": "same"}).status_code == 403
    client.post("/cases/definitions/", {"definition": "case_definition WHO 2020-12-16", "as_of": "2026-03-10"})
    assert Replay.objects.count() == 0
    client.force_login(staff("registrar"))
    made = services.start_replay(queries.definitions()[0], clock.today(), by=None, at=LATER)
    assert client.post(f"/cases/definitions/{made.id}/apply/").status_code == 403
    client.force_login(staff("kiosk"))
    for path in ("/cases/definitions/", f"/cases/definitions/{made.id}/", f"/cases/definitions/{made.id}/changes.csv"):
        assert client.get(path).status_code == 403, path


def test_the_case_page_explains_the_classification(tracer):
    found = text(tracer.get(page(open_case(**SMELL))))

    assert "Probable, criterion C" in found
    assert "Loss of smell: yes" in found
    assert "case_definition WHO 2020-12-16" in found


def test_symptoms_are_answered_in_three_states_and_judged(tracer):
    made = open_case(circumstances={"health_worker": "yes"})
    form = text(tracer.get(page(made, "symptoms/")))
    assert form.count("data-state>") == 1 + 28 + 9
    assert 'value="unknown"' in form

    sent = {"revision": made.revision, "symptoms-fever": "yes", "symptoms-cough": "yes", "symptoms-rash": "no"}
    sent |= {"symptoms-headache": "unknown", "circumstances-health_worker": "yes", "has_symptoms": ""}
    answer = tracer.post(page(made, "symptoms/"), sent, follow=True)

    found = queries.case(made.id)
    assert found.symptoms == {"fever": "yes", "cough": "yes", "rash": "no", "headache": "unknown"}
    assert (found.has_symptoms, found.classification) == (True, "suspected")
    assert "clinical and epidemiological criteria" in text(answer)


def test_no_symptoms_at_all_does_not_go_with_a_symptom(tracer):
    made = open_case()

    answer = tracer.post(page(made, "symptoms/"), {"revision": 1, "symptoms-fever": "yes", "has_symptoms": "no"})

    assert "A symptom is answered with yes" in text(answer)
    assert queries.case(made.id).symptoms == {}


def test_two_people_who_answer_at_once_lose_nothing(tracer):
    made = open_case()
    services.revise_case(made.id, {"symptoms": {"rash": "yes"}}, by="other", at=LATER)

    answer = tracer.post(page(made, "symptoms/"), {"revision": 1, "symptoms-fever": "no", "has_symptoms": ""})

    assert queries.case(made.id).symptoms == {"rash": "yes"}
    form = answer.context["form"]
    assert (form.initial["symptoms-rash"], form.initial["symptoms-fever"]) == ("yes", "no")
    assert form.initial["revision"] == queries.case(made.id).revision


@pytest.mark.parametrize("sent", [{"symptoms-fever": "perhaps", "revision": 1}, {"revision": "\0"}, {"revision": 2**40}, {}])
def test_junk_answers_are_shown_and_not_stored(tracer, sent):
    made = open_case()

    assert tracer.post(page(made, "symptoms/"), sent).status_code == 200
    assert queries.case(made.id).revision == 1


def test_a_finding_is_typed_in_and_its_correction_is_shown(tracer):
    made = open_case()
    sent = {"source": "Lab", "source_ref": "7", "kind": "pcr", "result": "positive", "status": "final", "disease": "covid"}
    sent |= {"sampled_on": "2026-03-08", "resulted_on": "2026-03-09"}

    tracer.post(page(made, "tests/"), sent)
    assert queries.case(made.id).classification == "confirmed"
    answer = tracer.post(page(made, "tests/"), sent | {"result": "negative", "status": "corrected"}, follow=True)

    assert queries.case(made.id).classification == "suspected"
    assert "<del>positive</del>" in text(answer)
    assert "superseded" in text(answer)
    assert CaseTest.objects.count() == 2


@pytest.mark.parametrize("change", [{"result": "x"}, {"sampled_on": "2030-01-01"}, {"source": ""}, {"source_ref": "x" * 300}])
def test_a_finding_that_cannot_be_is_refused_with_a_word(tracer, change):
    made = open_case()
    sent = {"source": "Lab", "source_ref": "7", "kind": "pcr", "result": "positive", "status": "final", "disease": "covid"}

    answer = tracer.post(page(made, "tests/"), sent | change, follow=True)

    assert answer.status_code == 200
    assert len(list(answer.context["messages"])) == 1
    assert CaseTest.objects.count() == 0


def test_a_word_against_the_rules_shows_the_conflict_and_is_dropped_again(tracer):
    made = open_case(**SMELL)
    sent = {"classification": "not_a_case", "reason": "allergy", "revision": queries.case(made.id).revision}

    answer = tracer.post(page(made, "classification/"), sent, follow=True)
    assert "The rules say: <b>probable</b>" in text(answer)
    assert "allergy" in text(answer)
    assert [row.id for _, row in tracer.get("/cases/?show=conflict").context["rows"]] == [made.id]
    answer = tracer.post(page(made, "classification/rules/"), {"revision": queries.case(made.id).revision}, follow=True)

    assert queries.case(made.id).classification == "probable"
    assert tracer.get("/cases/?show=conflict").context["count"] == 0


def test_without_a_reason_or_with_an_old_look_nothing_changes(tracer):
    made = open_case(**SMELL)

    for sent in ({"classification": "confirmed", "reason": ""}, {"classification": "confirmed", "reason": "x", "revision": 1}):
        tracer.post(page(made, "classification/"), sent)

    assert queries.case(made.id).classification == "probable"


def test_the_list_is_filtered_by_symptom_and_by_whose_word_it_is(tracer):
    smell, told = open_case(**SMELL), case(classification="confirmed")

    def shown(question):
        return {made.id for made, _ in tracer.get(f"/cases/?{question}").context["rows"]}

    assert shown("symptom=anosmia") == {smell.id}
    assert shown("symptom=fever") == set()
    assert shown("show=automatic") == {smell.id}
    assert shown("show=source") == {told.id}
    assert tracer.get("/cases/?symptom=hiccups").context["count"] == 0
    assert shown("known=2026-03-10T20:00&show=automatic&symptom=anosmia") == {smell.id}


def test_two_cases_are_compared_answered_and_undone(tracer):
    first, second = two_cases()
    found = text(tracer.get("/cases/same/"))
    assert first.source_key in found
    assert second.source_key in found
    question = DuplicateQuestion.objects.get()

    assert tracer.post(f"/cases/same/{question.id}/", {"answer": "perhaps"}).status_code == 404
    assert tracer.post("/cases/same/999/", {"answer": "same"}).status_code == 404
    tracer.post(f"/cases/same/{question.id}/", {"answer": "same"})

    assert queries.case(second.id).same_as == first.id
    assert "Nothing to decide" in text(tracer.get("/cases/same/"))
    assert "The same illness as" in text(tracer.get(page(second)))
    assert tracer.get("/cases/").context["count"] == 1
    assert tracer.get("/cases/?show=duplicates").context["count"] == 1
    tracer.post(page(second, "same/undo/"))
    assert tracer.get("/cases/").context["count"] == 2
    tracer.post(page(second, "same/"), {"main": str(first.id)})
    assert tracer.get("/cases/").context["count"] == 1
    for main in ("x", str(first.person_id), str(second.id)):
        tracer.post(page(first, "same/"), {"main": main})
    assert queries.case(first.id).same_as is None


@pytest.mark.parametrize("pairs", [1, 3])
def test_questions_need_the_same_queries_however_many(tracer, pairs, django_assert_max_num_queries):
    for _ in range(pairs):
        two_cases()
    tracer.get("/cases/same/")

    with django_assert_max_num_queries(12):
        assert len(tracer.get("/cases/same/").context["rows"]) == pairs


def test_a_definition_is_tried_and_applied_from_the_pages(expert, deliver_events):
    with clock.fixed(LATER):
        made = open_case(reported=date(2026, 3, 9), **SMELL)
        answer = expert.post(
            "/cases/definitions/", {"definition": "case_definition SORMAS 2020-11-06", "as_of": clock.today().isoformat()}
        )
        replay = Replay.objects.get()
        assert answer.headers["Location"] == f"/cases/definitions/{replay.id}/"
        assert "Being worked out" in text(expert.get(answer.headers["Location"]))
        deliver_events()

        found = text(expert.get(f"/cases/definitions/{replay.id}/"))
        assert "1 classification will change" in found
        assert made.source_key in found
        lines = b"".join(expert.get(f"/cases/definitions/{replay.id}/changes.csv").streaming_content).decode()
        [row] = csv.DictReader(lines.lstrip("\ufeff").splitlines())
        assert (row["from"], row["to"], row["id"]) == ("probable", "suspected", str(made.id))
        assert AuditEntry.objects.filter(action="export", subject="cases.replay").count() == 1

        expert.post(f"/cases/definitions/{replay.id}/apply/")
        deliver_events()

    assert queries.case(made.id).classification == "suspected"
    assert TaskRun.objects.filter(task="cases.apply_definition", state="done").count() == 1
    assert "applied" in text(expert.get(f"/cases/definitions/{replay.id}/"))


@pytest.mark.parametrize(
    "sent", [{}, {"definition": "x", "as_of": "2026-03-10"}, {"as_of": "yesterday"}, {"as_of": "2030-01-01"}]
)
def test_what_cannot_be_tried_is_said(expert, sent):
    answer = expert.post("/cases/definitions/", {"definition": "case_definition WHO 2020-12-16"} | sent)

    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert Replay.objects.count() == 0


def test_a_past_day_shows_what_would_change_and_cannot_be_applied(expert, deliver_events):
    open_case(at=AT - timedelta(days=3), reported=date(2026, 3, 1), **SMELL)
    made = services.start_replay(queries.definitions()[-1], clock.today() - timedelta(days=1), by=None, at=LATER)
    deliver_events()

    assert "What was believed on a past day stays" in text(expert.get(f"/cases/definitions/{made.id}/"))
    expert.post(f"/cases/definitions/{made.id}/apply/")
    assert TaskRun.objects.filter(task="cases.apply_definition").count() == 0


def test_a_case_page_costs_the_same_however_many_findings(tracer, django_assert_max_num_queries):
    made = open_case(**SMELL)
    for _ in range(8):
        finding(made)
    tracer.get(page(made))

    with django_assert_max_num_queries(32):
        assert len(tracer.get(page(made)).context["tests"]) == 8
