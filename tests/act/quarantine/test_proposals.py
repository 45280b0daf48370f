"""Needs proposed from what was said before: ticked with where it comes from, and stored only when somebody says yes."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from epipolis.act.followup.models import Interview
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Need
from epipolis.act.quarantine.services import NeedAsked
from epipolis.sense.declarations.models import Consent, Declaration, Household, Member

from .factories import NOW, again, case, drafted, ill, issued, person
from .test_pages import link, page, url

pytestmark = pytest.mark.django_db


def interviewed(source, *needs, language="es", finished=NOW):
    answers = {"needs": list(needs), "contacts": []}
    return Interview.objects.create(
        case=source, client_id=uuid4(), started=NOW, finished=finished, by="tina", answers=answers, language=language
    )


def declared(who, *needs, allowed=True, withdrawn=None, expires=NOW + timedelta(days=3)):
    home = Household.objects.create(
        number_hash=uuid4().hex, secret_hash="x", expires=expires, needs=list(needs), started=NOW
    )  # fmt: skip
    member = Member.objects.create(household=home, person=who, relation="self", added=NOW)
    if allowed:
        Consent.objects.create(household=home, purpose="aid", given=NOW, withdrawn=withdrawn)
    Declaration.objects.create(
        member=member, day=NOW.date(), advice="stay", is_ill=False, decision={}, channel="web", by="x", at=NOW, known_at=NOW
    )
    return home


def told(row):
    return [(one.kind, one.words, one.source) for one in queries.proposed_needs(row, NOW)]


def ticked(shown):
    boxes = re.findall(r'<input[^>]*name="kinds"[^>]*>', shown)
    return sorted(value for value in Need.Kind.values for box in boxes if f'value="{value}"' in box and "checked" in box)


def test_what_a_case_told_in_the_interview_is_ticked_with_its_source_and_not_stored(client, staff):
    source = case()
    interviewed(source, "food", "doctor", "room")
    row = issued(ill(source))
    client.force_login(staff("tracer", name="tina"))
    for shown in (page(client, url("order", row)), page(client, link(row))):
        assert ticked(shown) == ["care", "food", "other"]
        assert "A room of their own</textarea>" in shown
        assert "told in the interview of 2021-03-20" in shown

    assert (Need.objects.count(), again(row).needs_asked) == (0, None)


def test_what_is_proposed_is_noted_as_soon_as_the_person_says_yes_and_then_proposed_no_more(client):
    source = case()
    interviewed(source, "food")
    row = issued(ill(source))
    assert client.post(link(row), {"what": "needs", "kinds": ["food"], "client_id": str(uuid4())}).status_code == 302

    assert list(Need.objects.values_list("kind", flat=True)) == ["food"]
    assert ticked(page(client, link(row))) == []


def test_who_says_nothing_is_needed_is_not_asked_again(client):
    source = case()
    interviewed(source, "food")
    row = issued(ill(source))
    services.tell_needs(row.id, [], by="tina", at=NOW)

    assert told(again(row)) == []


def test_what_the_case_told_is_not_shown_to_contacts():
    source = case()
    interviewed(source, "food", "medicine")

    assert told(drafted(source=source, origin="household")) == []


def test_an_interview_that_is_not_finished_says_nothing():
    source = case()
    interviewed(source, "food", finished=None)

    assert told(ill(source)) == []


def test_a_declaration_is_used_only_where_the_household_allowed_that_help_is_brought():
    who = person()
    row = drafted(who=who)
    home = declared(who, "pets", "childcare", "money", allowed=False)
    assert told(row) == []
    Consent.objects.create(household=home, purpose="care", given=NOW)
    assert told(row) == []
    allowed = Consent.objects.create(household=home, purpose="aid", given=NOW)
    assert told(row) == [
        ("pets", "somebody for the pets", "declared on 2021-03-20"),
        ("care", "somebody for the children", "declared on 2021-03-20"),
        ("other", "help with money", "declared on 2021-03-20"),
    ]
    allowed.withdrawn = NOW
    allowed.save()

    assert told(row) == []


def test_a_declaration_that_has_expired_or_is_of_others_says_nothing():
    who = person()
    declared(who, "pets", expires=NOW - timedelta(minutes=1))
    declared(person(), "food")

    assert told(drafted(who=who)) == []


@pytest.mark.parametrize(("language", "proposed"), [("vi", True), ("es", False), ("zh", False), ("", False)])
def test_an_interpreter_is_proposed_for_who_speaks_a_language_that_the_office_does_not_write(language, proposed):
    row = issued(language=language)

    assert [one[0] for one in told(row)] == (["language"] if proposed else [])
    if proposed:
        assert told(row)[0][1:] == ("Vietnamese", "the language of the record")


def test_what_was_ticked_stays_ticked_when_the_form_is_refused(client):
    row = issued()
    answer = client.post(link(row), {"what": "needs", "kinds": ["pets", "other"], "urgent": "on"})

    assert answer.status_code == 422
    assert ticked(answer.content.decode()) == ["other", "pets"]
    assert services.tell_needs(row.id, [NeedAsked("pets")], by="x", at=NOW)


def test_who_may_not_note_needs_sees_no_proposal(client, staff):
    source = case()
    interviewed(source, "medicine")
    row = issued(ill(source))
    client.force_login(staff("epidemiologist"))

    assert "told in the interview" not in page(client, url("order", row))
