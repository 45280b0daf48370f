"""Warnings by area: two people, everybody who lives there once, and what other systems read."""

from datetime import timedelta
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from django.db import IntegrityError, transaction

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Broadcast, Notice
from epipolis.core import clock
from epipolis.core.sealing import unseal
from epipolis.sense.city.models import District, Neighbourhood

from .factories import NOW, person
from .test_pages import as_role, text  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
TEXTS = {"en": "The water is not clean.", "zh-hant": "水質不潔。", "es": "El agua no está limpia."}
HEADS = {"en": "Boil your water", "zh-hant": "請將水煮沸", "es": "Hierva el agua"}


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def square(lon, lat):
    return {"type": "Polygon", "coordinates": [[[lon, lat], [lon + 1, lat], [lon + 1, lat + 1], [lon, lat + 1], [lon, lat]]]}


@pytest.fixture
def areas():
    found = []
    for number in range(2):
        border = square(number * 2, 0)
        district = District.objects.create(code=f"D{number}", name=f"District {number}", border=border, known_at=NOW)
        near = Neighbourhood.objects.create(code=f"N{number}", name="One", district=district, border=border, known_at=NOW)
        found.append((district, near))
    return found


def warned(**values) -> services.Warned:
    plain = {
        "event": "Water", "headlines": HEADS, "texts": TEXTS, "severity": "Severe", "urgency": "Immediate",
        "certainty": "Observed", "expires": NOW + timedelta(hours=6),
    }  # fmt: skip
    return services.Warned(**(plain | values))


def out(areas, staff, **values) -> Broadcast:
    row = services.draft_broadcast(warned(districts=(areas[0][0].id,), **values), by=staff("commander", name="one"), at=NOW)
    return services.approve_broadcast(row.id, by=staff("commander", name="two"), at=NOW)


def test_nobody_releases_what_they_drafted(areas, staff):
    drafter = staff("commander", name="one")
    row = services.draft_broadcast(warned(districts=(areas[0][0].id,)), by=drafter, at=NOW)

    with pytest.raises(services.NoticeError, match="second person"):
        services.approve_broadcast(row.id, by=drafter, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Broadcast.objects.filter(id=row.id).update(approved_by=drafter)
    with pytest.raises(IntegrityError), transaction.atomic():
        Broadcast.objects.filter(id=row.id).update(state="sent")


def test_everybody_who_lives_there_gets_it_once_in_their_language(areas, staff, deliver_events):
    here = [person(neighbourhood=areas[0][1], language=one) for one in ("es", "zh-Hant", "en", "")]
    person(neighbourhood=areas[1][1])
    row = out(areas, staff)

    deliver_events(twice=True)

    row.refresh_from_db()
    assert (row.state, row.people) == ("sent", 4)
    assert set(Notice.objects.values_list("person", flat=True)) == set(here)
    said = {unseal(one.body) for one in Notice.objects.filter(person=here[0])}
    assert said == {f"Demo City: Hierva el agua. El agua no está limpia. http://127.0.0.1:8000/notices/alerts/{row.id}/"}
    assert {one.urgent for one in Notice.objects.all()} == {True}


def test_queueing_that_was_interrupted_goes_on_where_it_stopped(areas, staff, monkeypatch):
    for _ in range(5):
        person(neighbourhood=areas[0][1])
    row = out(areas, staff)
    from epipolis.act.notices.services import broadcasting

    first = broadcasting.people.residents([areas[0][1].id], most=2)
    Broadcast.objects.filter(id=row.id).update(queued_up_to=first[-1], people=2)

    assert services.queue_broadcast(row.id, at=NOW) == 3
    assert services.queue_broadcast(row.id, at=NOW) == 0


def test_a_drawn_area_chooses_the_neighbourhoods_that_it_meets(areas, staff):
    person(neighbourhood=areas[1][1])
    told = warned(polygon=queries.polygon_of([[2.4, 0.4], [2.6, 0.4], [2.6, 0.6]]))
    row = services.draft_broadcast(told, by=staff("commander", name="one"), at=NOW)

    assert queries.neighbourhoods_of(row) == [areas[1][1].id]


@pytest.mark.parametrize(
    "values",
    [
        {"headlines": {"en": "Only one"}},
        {"texts": {}},
        {"severity": "Awful"},
        {"event": " "},
        {"expires": NOW},
        {"districts": (987_654,)},
        {"districts": ()},
        {"headlines": HEADS | {"en": "x" * 161}},
        {"polygon": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
        {"polygon": {"type": "Polygon", "coordinates": [[[0, 0], [500, 1], [1, 0], [0, 0]]]}},
        {"polygon": {"type": "Point"}},
    ],
)
def test_a_warning_that_lacks_something_is_refused(values, areas, staff):
    told = warned(**({"districts": (areas[0][0].id,)} | values))

    with pytest.raises(services.NoticeError):
        services.draft_broadcast(told, by=staff("commander"), at=NOW)


def test_what_is_called_off_does_not_leave_and_others_are_told(areas, staff, deliver_events):
    person(neighbourhood=areas[0][1])
    row = out(areas, staff)
    deliver = services.queue_broadcast(row.id, at=NOW)
    services.cancel_broadcast(row.id, "It was a mistake.", by=staff("commander", name="three"), at=NOW + timedelta(minutes=5))

    assert deliver == 1
    assert Notice.objects.get().state == "stopped"
    root = ET.fromstring(queries.cap(queries.broadcast(row.id)))  # noqa: S314 -- our own document
    assert root.findtext(f"{CAP}msgType") == "Cancel"
    assert root.findtext(f"{CAP}references") == f"epipolis@127.0.0.1,urn:uuid:{row.id},2026-03-10T12:00:00+08:00"


def test_cap_has_its_elements_in_the_order_of_the_standard(areas, staff):
    row = out(areas, staff, response="Prepare", instructions={"en": "Boil it."})

    root = ET.fromstring(queries.cap(row))  # noqa: S314 -- our own document

    head = ["identifier", "sender", "sent", "status", "msgType", "scope"]
    assert [one.tag.removeprefix(CAP) for one in root] == [*head, "info", "info", "info"]
    english = root.findall(f"{CAP}info")[0]
    assert [one.tag.removeprefix(CAP) for one in english] == [
        "language", "category", "event", "responseType", "urgency", "severity", "certainty", "effective", "expires",
        "senderName", "headline", "description", "instruction", "web", "area",
    ]  # fmt: skip
    assert [one.findtext(f"{CAP}language") for one in root.findall(f"{CAP}info")] == ["en-US", "zh-TW", "es-ES"]
    area = english.find(f"{CAP}area")
    assert area.findtext(f"{CAP}polygon").split()[:2] == ["0.00000,0.00000", "0.00000,1.00000"]
    assert area.findtext(f"{CAP}geocode/{CAP}value") == "D0"
    assert root.findtext(f"{CAP}sent") == "2026-03-10T12:00:00+08:00"


def test_text_with_marks_does_not_break_the_document(areas, staff):
    row = out(areas, staff, texts=TEXTS | {"en": "a < b & \"c\" ]]> 'd'"})

    root = ET.fromstring(queries.cap(row))  # noqa: S314 -- our own document

    assert root.findtext(f"{CAP}info/{CAP}description") == "a < b & \"c\" ]]> 'd'"


def test_a_draft_is_published_nowhere(areas, staff, client):
    row = services.draft_broadcast(warned(districts=(areas[0][0].id,)), by=staff("commander"), at=NOW)

    assert "Boil" not in text(client.get("/notices/alerts/"))
    for address in (f"/notices/alerts/{row.id}/", f"/notices/alerts/{row.id}.cap", f"/api/v1/notices/alerts/{row.id}"):
        assert client.get(address).status_code == 404
    assert b"<entry" not in client.get("/notices/alerts/feed.atom").content


def test_everybody_reads_what_went_out(areas, staff, client):
    row = out(areas, staff)

    assert "Boil your water" in text(client.get("/notices/alerts/"))
    assert "The water is not clean." in text(client.get(f"/notices/alerts/{row.id}/"))
    feed = client.get("/notices/alerts/feed.atom")
    assert feed["Content-Type"].startswith("application/atom+xml")
    assert f"{row.id}.cap".encode() in feed.content
    assert client.get(f"/notices/alerts/{row.id}.cap").content == client.get(f"/api/v1/notices/alerts/{row.id}").content


def test_the_pages_draft_release_and_call_off(areas, as_role, deliver_events):  # noqa: F811 -- the fixture
    client = as_role("commander", name="one")
    told = {f"headline_{code}": one for code, one in HEADS.items()} | {f"text_{code}": one for code, one in TEXTS.items()}
    told |= {"event": "Water", "severity": "Severe", "urgency": "Expected", "certainty": "Likely", "hours": "5"}
    assert client.post("/notices/warnings/new/", told).status_code == 422
    assert client.post("/notices/warnings/new/", told | {"corners": "here"}).status_code == 422
    client.post("/notices/warnings/new/", told | {"districts": [str(areas[0][0].id)]})
    row = Broadcast.objects.get()
    assert "somebody else lets it go out" in text(client.get(f"/notices/warnings/{row.id}/"))
    client.post(f"/notices/warnings/{row.id}/approve/")
    row.refresh_from_db()
    assert row.state == "drafted"
    assert as_role("epidemiologist").post(f"/notices/warnings/{row.id}/approve/").status_code == 403

    second = as_role("commander", name="two")
    second.post(f"/notices/warnings/{row.id}/approve/")
    deliver_events()
    row.refresh_from_db()
    assert row.state == "sent"
    second.post(f"/notices/warnings/{row.id}/cancel/", {"reason": ""})
    second.post(f"/notices/warnings/{row.id}/cancel/", {"reason": "clean again"})
    row.refresh_from_db()
    assert (row.state, row.reason) == ("cancelled", "clean again")
    assert second.get(f"/notices/warnings/{uuid4()}/").status_code == 404


def test_a_draft_is_given_up_with_a_reason(areas, staff):
    one = staff("commander")
    row = services.draft_broadcast(warned(districts=(areas[0][0].id,)), by=one, at=NOW)
    with pytest.raises(services.NoticeError):
        services.refuse_broadcast(row.id, " ", by=one, at=NOW)
    assert services.refuse_broadcast(row.id, "not needed", by=one, at=NOW).state == "refused"
    with pytest.raises(services.NoticeError):
        services.approve_broadcast(row.id, by=staff("commander", name="two"), at=NOW)
