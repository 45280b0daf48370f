"""Everything personal has an end: the nightly job or an erasure takes it, or a reason stands here why it stays."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps

from epipolis.act.followup import services as followup
from epipolis.act.followup.models import Attempt, Change, DailyCheck, Exposure, FollowUp, Handover, Interview, SelfReportLink
from epipolis.act.notices import services as notices
from epipolis.act.notices.models import Broadcast, DeliveryEvent, Inbound, Notice, PushSubscription, SimulatedMessage
from epipolis.act.quarantine import services as quarantine
from epipolis.act.quarantine.models import Appeal, Need, Order, OrderChange, OrderLink, SelfReport
from epipolis.core import retention
from epipolis.core.models import SentOnce, TaskRun, User
from epipolis.sense.checkins.models import Source, Visit, VisitorLink
from epipolis.sense.people.models import ContactPoint, Identifier, MatchKey, MatchQuestion, Person, ReturnCode
from epipolis.sense.people.services import erase_person, find_or_make_people, issue_return_code
from epipolis.sense.people.services.rows import PersonRow
from epipolis.understand.tracing.models import CaseStay, Contact, Encounter, Trace
from tests.act.followup import factories as followed
from tests.act.notices import factories as noticed
from tests.act.quarantine import factories as ordered
from tests.understand.tracing import factories as city

FOLLOWED = {FollowUp, Exposure, DailyCheck, Attempt, Change, Handover, Interview, SelfReportLink}
ORDERED = {Order, OrderChange, Need, Appeal, SelfReport, OrderLink}
TRACED = {Visit, VisitorLink, Trace, Contact, Encounter, CaseStay}
NOTICED = {Notice, DeliveryEvent, Inbound, SimulatedMessage, PushSubscription, Broadcast}
BY_THE_JOB = {SentOnce, TaskRun, ReturnCode} | TRACED | FOLLOWED | ORDERED | NOTICED
BY_ERASURE = {Identifier, ContactPoint, MatchKey, MatchQuestion}  # whole rows; of a person the fields below
STAYS_OF_A_PERSON = {
    "id": "opaque; cases and contacts count under it",
    "birth_year": "the counts by age need it, and a year alone is nobody",
    "sex": "the counts by sex need it",
    "known_at": "says when the platform learned of somebody, not of whom",
    "erased": "proves the erasure",
    "simulated": "whether the person was ever real",
    "merged_into_id": "opaque; the counts take merged rows for one person",
    "keyed": "a number of the way in which keys were made; says nothing of anybody",
    "compared": "says only whether the record was compared with the others",
}
STAYS = {
    "notices.Template": "a text, and the staff who wrote and approved it",
    "notices.Preference": "opaque: by which channels somebody wants to be told, as long as the person",
    "notices.StoppedAddress": "a keyed hash: whoever said stop is not written to again, however long ago that was",
    "core.AuditEntry": "append-only and chained: whoever looked stays known; it holds identifiers, never names",
    "core.User": "staff, as long as they work here; a closed account stays, for the trail names it",
    "core.DeviceToken": "a device, not a person; its issuer is staff",
    "core.DeletionReceipt": "proves erasures; holds counts only",
    "core.ClockSetting": "nobody in it",
    "core.RulePackRow": "nobody in it",
    "core.PeriodicRun": "nobody in it",
    "core.CacheEntry": "ends by itself within minutes: counts of sign-ins that failed",
    "core.SecretKeyCheck": "nobody in it",
    "cases.Case": "the file of an illness under an opaque id; how long it stays is for the law on medical files",
    "cases.CaseRevision": "as the case itself",
    **dict.fromkeys((f"cases.{name}" for name in ("CaseTest", "Classified", "DuplicateQuestion")), "as the case itself"),
    "cases.Replay": "counts of cases under a definition; nobody in it",
    "cases.ReplayChange": "as the case itself",
    "checkins.Venue": "a place",
    "followup.Team": "names of staff's teams",
    "followup.TeamMember": "staff, as long as they work here",
    "city.District": "a place",
    "city.Neighbourhood": "a place",
    "city.PopulationCount": "counts of a census",
    "city.Place": "a place",
    "people.Person": "field by field, below",
    "people.Merge": "which opaque ids are one person, by whom and when; the reasons written in it are emptied by erasure",
    "scenarios.Scenario": "a question to an invented city; its author is staff",
    "scenarios.Version": "as the scenario",
    "scenarios.Run": "as the scenario",
    "scenarios.RunTable": "invented people, counted",
    **dict.fromkeys(
        (f"forecast.{name}" for name in ("Round", "Forecast", "Reproduction", "Passing", "Score", "Series", "SeriesValue")),
        "counts of districts and what follows from them; rounds and uploaded values end by rules of their own",
    ),
    **dict.fromkeys(
        (f"signals.{name}" for name in ("Look", "Signal", "SignalRevision", "HotSpot", "Watched")),
        "counts of districts; signals end by a rule of their own",
    ),
    **dict.fromkeys(
        (f"declarations.{name}" for name in ("Household", "Member", "Consent", "Declaration")),
        "ends by a rule of its own, and at once when the household wishes",
    ),
    "chains.Link": "two opaque ids of cases; ends with either",
    "chains.Judgement": "as the link, decided by staff",
    "labs.Laboratory": "a laboratory",
    "labs.CodeMeaning": "a code of a laboratory",
    "labs.LabMessage": "its sealed text ends by a rule of its own, and the whole row where no result came of it",
    "labs.LabResult": "as the case itself, under an opaque id",
    "transfers.Partner": "an office; who added it is staff",
    "transfers.Transfer": "its sealed document ends by a rule of its own, and the whole row years later",
    "transfers.Outgoing": "its sealed content ends when it was answered, and the row with its transfer",
    "transfers.Lost": "ends with the document of its transfer",
    "transfers.UsedNonce": "numbers of requests; end by a rule of its own after minutes",
    "labs.Handling": "of a message, by staff; ends with it",
    "labs.KitLot": "nobody in it",
    "labs.Device": "a device, and the staff who work with it",
    "labs.Reading": "as the result; whose the sample was ends by a rule of its own",
    "labs.SampleLabel": "ends by a rule of its own, and at once when its person is erased",
    "quarantine.Stream": "two counters",
    "quarantine.Entry": "sealed positions of the last seconds; the next checkpoint erases them, within a minute",
    "quarantine.Watch": "its sealed fixes go when watching ends; the row ends with its order",
    "quarantine.Alarm": "what it stands on ends by a rule of its own, and at once with its person; the row with its order",
    "quarantine.ShiftNote": "of staff to staff; ends by a rule of its own",
    **dict.fromkeys(
        (f"quarantine.{name}" for name in ("Transition", "PhoneHolder", "Step", "Receipt", "Errand")),
        "ends with its order, or sooner",
    ),
    "quarantine.Phone": "a secret's hash; ends with its last order",
    "signals.Judgement": "of a signal, by staff; ends with it",
}


def _own_models():
    return {model for model in apps.get_models() if model.__module__.startswith("epipolis.")}


def test_of_every_table_it_is_decided_how_it_ends():
    decided = {model._meta.label for model in BY_THE_JOB | BY_ERASURE} | set(STAYS)

    assert {model._meta.label for model in _own_models()} - decided == set()
    assert not set(STAYS) & {model._meta.label for model in BY_THE_JOB | BY_ERASURE}


@pytest.mark.django_db
def test_the_nightly_job_empties_every_table_that_is_left_to_it():
    case, visitor, place = city.meeting()
    person = Person.objects.get(id=case.person_id)
    city.link(visitor, person)
    city.day_visit(person, place, 9, source=Source.INTERVIEW)
    issue_return_code(person.id, by="test", at=city.NOW)
    trace = Trace.objects.create(case=case, case_revision=1, known_at=city.NOW, made=city.NOW, decision={}, checked=city.NOW)
    contact = Contact.objects.create(
        case=case,
        visitor=visitor,
        risk="high",
        rank=1,
        certain=True,
        minutes=20,
        last_met=city.NOW,
        decision={},
        found=trace.made,
    )
    Encounter.objects.create(contact=contact, place=place, starts=city.NOW, ends=city.NOW, certain=True)
    CaseStay.objects.create(case=case, place=place, day=city.ONSET, phase="infectious", minutes=20, certain=True)
    TaskRun.objects.create(task="import", title="list.csv", asked=city.NOW, finished=city.NOW, state="done")
    SentOnce.objects.create(sender="device", key=str(uuid4()), request_digest="", at=city.NOW)
    _follow()
    _order()
    _notices()
    before = {model._meta.label for model in BY_THE_JOB if not model.objects.exists()}

    retention.enforce(at=city.NOW + timedelta(days=3_650))

    assert before == set()
    assert {model._meta.label for model in BY_THE_JOB if model.objects.exists()} == set()


def _follow():
    """Somebody under follow-up, with everything that belongs to it."""
    row, (giver, taker) = followed.exposed(), (User.objects.create_user(name) for name in ("ana", "bao"))
    followup.record_check(row.id, followup.Answer("seen_ok", city.NOW.date()), by="test", at=city.NOW)
    followup.record_attempt(row.id, outcome="reached", by="test", at=city.NOW)
    followup.open_link(row.id, by="test", at=city.NOW)
    followup.assign(row.id, to=giver, by="test", at=city.NOW)
    followup.start_interview(followed.case().id, by=giver, at=city.NOW)
    followup.hand_over(giver=giver, taker=taker, note="", by=giver, at=city.NOW)


def _notices():
    """A message that left and was answered, a warning, and a browser."""
    row = noticed.notice(at=city.NOW)
    notices.send_waiting(city.NOW)
    notices.answer_from_phone(row.to_hash, "sms", "thank you", at=city.NOW)
    PushSubscription.objects.create(person_id=row.person_id, endpoint_hash="x", made=city.NOW, gone=city.NOW)
    Broadcast.objects.create(
        event="water", drafted=city.NOW, expires=city.NOW, drafted_by=User.objects.create_user("eva"), area="here"
    )


def _order():
    """An order that was appealed and lifted, with everything that belongs to it."""
    row = ordered.issued()
    quarantine.tell_needs(row.id, [quarantine.NeedAsked("food")], by="test", at=city.NOW)
    quarantine.self_report(row.id, quarantine.Report(city.NOW.date()), by="test", at=city.NOW)
    quarantine.file_appeal(row.id, "I met nobody.", by="test", at=city.NOW)
    quarantine.lift_order(row.id, reason="right", by="test", at=city.NOW)


@pytest.mark.django_db
def test_a_link_stays_as_long_as_a_visit_under_it():
    _case, visitor, _place = city.meeting()
    city.link(visitor, city.person())
    keep = retention.keeps()["linked phones"]

    retention.forget(keep, at=city.NOW + timedelta(days=3_650))
    assert VisitorLink.objects.count() == 1
    Visit.objects.all().delete()
    retention.forget(keep, at=city.NOW + timedelta(days=1))
    assert VisitorLink.objects.count() == 1
    retention.forget(keep, at=city.NOW + timedelta(days=3_650))
    assert VisitorLink.objects.count() == 0


@pytest.mark.django_db
def test_erasing_a_person_empties_every_field_but_those_with_a_reason():
    row = PersonRow(
        identifiers=(("national_id", "A123456789"),), given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F",
        language="es", address="Calle 1", phones=("0912345678",), emails=("ana@example.org",),
    )  # fmt: skip
    [(person, _)] = find_or_make_people([row], by="test", at=city.NOW)
    issue_return_code(person, by="test", at=city.NOW)

    erase_person(person, by="test", at=city.NOW, reason="asked for it")

    left = Person.objects.values().get(id=person)
    fields = {field.attname for field in Person._meta.concrete_fields}
    assert {name for name in fields - set(STAYS_OF_A_PERSON) if left[name] not in (b"", "", None)} == set()
    assert {model._meta.label for model in BY_ERASURE | {ReturnCode} if model.objects.filter(person=person).exists()} == set()
