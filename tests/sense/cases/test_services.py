from datetime import date, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection

from epipolis.core import events
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Case, CaseRevision

from .factories import AT, LATER, case, somebody


@pytest.fixture
def heard():
    """Every event of cases, as one listener hears it, for one test only."""
    found = []
    before = {kind: list(those) for kind, those in events._listeners.items()}
    events._listeners.clear()

    def hear(event):
        found.append(event)

    events.subscribe(CaseConfirmed, hear)
    events.subscribe(CaseRevised, hear)
    yield found
    events._listeners.clear()
    events._listeners.update(before)


@pytest.mark.django_db
def test_a_reported_case_is_believed_from_its_report_on():
    person = somebody()

    made = services.report_case(
        person.id, {"onset": date(2026, 3, 5)}, disease="covid", source="clinic", source_key="7", by="nurse", at=AT
    )

    revision = CaseRevision.objects.get(case=made)
    assert (made.person_id, made.classification, made.revision, made.known_at) == (person.id, "suspected", 1, AT)
    assert (revision.known_at, revision.superseded_at, revision.by, revision.onset) == (AT, None, "nurse", date(2026, 3, 5))
    assert revision.changed == ["classification", "onset"]
    assert AuditEntry.objects.filter(action="cases.report", person=person.id, subject=str(made.id)).count() == 1


@pytest.mark.django_db
def test_a_case_without_a_number_in_its_source_is_numbered_by_itself():
    def report():
        return services.report_case(somebody().id, {}, disease="covid", source="desk", source_key="", by=None, at=AT)

    one, two = report(), report()

    assert one.source_key
    assert one.source_key != two.source_key
    assert queries.case_numbered("desk", one.source_key) == one


@pytest.mark.django_db
def test_the_same_number_from_the_same_source_is_refused_and_names_the_case():
    known = case(source_key="7")

    with pytest.raises(services.AlreadyReportedError) as caught:
        case(source_key="7")

    assert (caught.value.case, Case.objects.count()) == (known.id, 1)


@pytest.mark.django_db
def test_only_what_changed_is_named_and_the_former_belief_ends_there(heard, deliver_events):
    made = case(onset=date(2026, 3, 1))

    services.revise_case(made.id, {"onset": date(2026, 3, 3), "outcome": ""}, by="officer", at=LATER)
    deliver_events()

    first, second = CaseRevision.objects.filter(case=made).order_by("revision")
    assert (first.superseded_at, second.known_at, second.superseded_at) == (LATER, LATER, None)
    assert (first.onset, second.onset, second.changed, second.by) == (date(2026, 3, 1), date(2026, 3, 3), ["onset"], "officer")
    assert heard == [CaseRevised(made.id, made.person_id, ("onset",))]


@pytest.mark.django_db
def test_a_change_to_the_same_changes_nothing_and_tells_nobody(heard, deliver_events):
    made = case(onset=date(2026, 3, 1))
    entries = AuditEntry.objects.count()

    services.revise_case(made.id, {"onset": date(2026, 3, 1)}, by="officer", at=LATER)

    assert (Case.objects.get().revision, CaseRevision.objects.count(), deliver_events()) == (1, 1, 0)
    assert AuditEntry.objects.count() == entries


@pytest.mark.django_db
def test_a_case_is_announced_as_confirmed_once(heard, deliver_events):
    made = case()

    services.confirm_case(made.id, by="officer", at=LATER, sampled=date(2026, 3, 8))
    services.confirm_case(made.id, by="officer", at=LATER)
    services.revise_case(made.id, {"note": "calls at noon"}, by="officer", at=LATER)
    deliver_events()

    assert heard == [
        CaseRevised(made.id, made.person_id, ("classification", "confirmed", "sampled")),
        CaseConfirmed(made.id, made.person_id),
        CaseRevised(made.id, made.person_id, ("note",)),
    ]
    assert queries.case(made.id).confirmed == date(2026, 3, 10)


@pytest.mark.django_db
def test_a_case_reported_as_confirmed_is_announced(heard, deliver_events):
    made = case(classification="confirmed")
    deliver_events()

    assert heard == [CaseConfirmed(made.id, made.person_id)]


@pytest.mark.django_db
def test_an_undone_revision_brings_the_former_facts_back_as_a_new_revision():
    made = case(onset=date(2026, 3, 1))
    services.revise_case(made.id, {"onset": date(2026, 3, 3), "note": "typed wrong"}, by="officer", at=LATER)

    undone = services.undo_revision(made.id, by="officer", at=LATER + timedelta(minutes=1), expected=2)

    assert (undone.revision, undone.onset, undone.note) == (3, date(2026, 3, 1), "")
    assert [row.onset for row in queries.revisions(made.id)] == [date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 1)]


@pytest.mark.django_db
def test_a_case_that_was_never_revised_cannot_be_undone():
    with pytest.raises(ValueError, match="no earlier revision"):
        services.undo_revision(case().id, by="officer", at=LATER)


@pytest.mark.django_db
def test_an_edit_of_an_old_revision_is_refused_and_changes_nothing():
    made = case()
    services.revise_case(made.id, {"note": "first"}, by="one", at=LATER, expected=1)

    with pytest.raises(services.StaleRevisionError) as caught:
        services.revise_case(made.id, {"note": "second"}, by="two", at=LATER, expected=1)

    assert (caught.value.case.note, queries.case(made.id).note, queries.case(made.id).revision) == ("first", "first", 2)


@pytest.mark.django_db
def test_beliefs_at_any_moment_are_one_revision_a_case():
    one, two = case(note="a"), case(note="b", at=LATER)
    services.revise_case(one.id, {"note": "c"}, by="officer", at=LATER)

    def known(at):
        return sorted(queries.facts_as_known(at).values_list("note", flat=True))

    assert [known(AT - timedelta(seconds=1)), known(AT), known(LATER)] == [[], ["a"], ["b", "c"]]
    assert queries.line_list(AT, text=one.source_key).get().case_id == one.id
    assert queries.line_list(LATER, text=two.source_key).get().note == "b"


@pytest.mark.django_db
def test_news_dated_before_the_last_news_never_makes_time_run_backwards():
    made = case(at=LATER)

    services.revise_case(made.id, {"note": "from an older file"}, by="officer", at=AT)

    assert [(r.known_at, r.superseded_at) for r in queries.revisions(made.id)] == [(LATER, None), (LATER, LATER)]
    assert queries.facts_as_known(LATER).get().note == "from an older file"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"onset": date(2026, 3, 12)}, "onset"),
        ({"onset": date(2026, 3, 5), "outcome": "died", "ended": date(2026, 3, 4)}, "onset"),
        ({"hospitalised": date(2026, 3, 5), "outcome": "died", "ended": date(2026, 3, 4)}, "hospitalised"),
        ({"exposed_from": date(2026, 3, 5), "exposed_until": date(2026, 3, 4)}, "exposed_until"),
        ({"age_from": 50, "age_to": 40}, "age_from"),
        ({"age_from": -1}, "age_from"),
        ({"age_to": 121}, "age_to"),
        ({"classification": "maybe"}, "classification"),
        ({"outcome": "gone"}, "outcome"),
        ({"note": "a\0b"}, "note"),
        ({"region": "x" * 201}, "region"),
        ({"colour": "red"}, "colour"),
    ],
)
@pytest.mark.django_db
def test_facts_that_cannot_be_true_are_refused_by_name(facts, field):
    with pytest.raises(services.FactsError) as caught:
        case(**facts)

    assert ([item.field for item in caught.value.broken], Case.objects.count()) == ([field], 0)


@pytest.mark.django_db
def test_a_change_is_checked_together_with_what_stays():
    made = case(onset=date(2026, 3, 5))

    with pytest.raises(services.FactsError, match="onset lies after the death"):
        services.revise_case(made.id, {"outcome": "died", "ended": date(2026, 3, 4)}, by="officer", at=LATER)


@pytest.mark.django_db
def test_an_unknown_case_cannot_be_changed():
    with pytest.raises(Case.DoesNotExist):
        services.confirm_case(uuid4(), by="officer", at=LATER)


@pytest.mark.django_db(transaction=True)
def test_of_two_editors_at_the_same_moment_one_wins_and_the_other_is_told():
    made, start, told = case(), Barrier(2), []

    def edit(note):
        start.wait()
        try:
            told.append(services.revise_case(made.id, {"note": note}, by=note, at=LATER, expected=1).note)
        except services.StaleRevisionError as error:
            told.append(f"stale: {error.case.note}")
        finally:
            connection.close()

    threads = [Thread(target=edit, args=(note,)) for note in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winner = queries.case(made.id).note
    assert sorted(told) == sorted([winner, f"stale: {winner}"])
    assert (CaseRevision.objects.count(), queries.case(made.id).revision) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_one_number_at_the_same_moment_make_one_case():
    start, told = Barrier(2), []

    def report():
        start.wait()
        try:
            case(source_key="7")
            told.append("made")
        except services.AlreadyReportedError:
            told.append("known")
        finally:
            connection.close()

    threads = [Thread(target=report) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sorted(told), Case.objects.count(), CaseRevision.objects.count()) == (["known", "made"], 1, 1)
