"""Every document that leaves is CAP 1.2: new, changed, called off, by districts and drawn, whatever is written in it."""

from datetime import timedelta
from itertools import count
from xml.etree import ElementTree as ET

import pytest

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Notice
from epipolis.core import clock
from epipolis.sense.city.models import District

from .cap import NAMESPACE, problems_of
from .factories import NOW, person
from .test_broadcasts import HEADS, TEXTS, areas, out, square, warned  # noqa: F401 -- a fixture
from .test_pages import as_role, text  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
CAP = f"{{{NAMESPACE}}}"
_numbers = count(1)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def document(row) -> bytes:
    return queries.cap(queries.broadcast(row.id))


def read(row, name) -> str:
    return ET.fromstring(document(row)).findtext(f"{CAP}{name}")  # noqa: S314 -- our own document


def changed(row, staff, **values):
    """The same warning with other words, let out half an hour later."""
    told = warned(**({"districts": tuple(row.districts), "polygon": row.polygon, "replaces": row.id} | values))
    made = services.draft_broadcast(told, by=staff("commander", name=f"writer {next(_numbers)}"), at=LATER)
    return services.approve_broadcast(made.id, by=staff("commander", name=f"second {next(_numbers)}"), at=LATER)


@pytest.mark.parametrize("response", ["", "Shelter", "AllClear", "None"])
def test_a_warning_by_districts_is_cap(areas, staff, response):  # noqa: F811 -- the fixture
    row = out(areas, staff, response=response, instructions={"en": "Boil it."})

    assert problems_of(document(row)) == []
    assert read(row, "msgType") == "Alert"


def test_a_drawn_area_is_closed(areas, staff):  # noqa: F811 -- the fixture
    drawn = queries.polygon_of([[121.123456789, 25.1], [121.2, 25.1], [121.2, 25.987654321]])
    row = out(areas, staff, polygon=drawn)

    assert problems_of(document(row)) == []
    polygon = read(row, f"info/{CAP}area/{CAP}polygon").split()
    assert (len(polygon), polygon[0]) == (4, "25.10000,121.12346")


def test_districts_of_several_parts_with_holes_and_without_a_border_are_cap(areas, staff):  # noqa: F811 -- the fixture
    hole = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.4]]
    parts = [[*square(0, 0)["coordinates"], hole], square(5, 5)["coordinates"]]
    District.objects.filter(id=areas[0][0].id).update(border={"type": "MultiPolygon", "coordinates": parts})
    District.objects.filter(id=areas[1][0].id).update(border=None)
    row = out(areas, staff)
    bare = services.draft_broadcast(warned(districts=(areas[1][0].id,)), by=staff("commander", name="five"), at=NOW)

    assert problems_of(document(row)) == []
    assert document(row).count(b"<polygon>") == 2 * 3  # two parts, three languages
    assert problems_of(document(bare)) == []


def test_a_simulated_warning_is_an_exercise_and_says_so(areas, staff):  # noqa: F811 -- the fixture
    row = services.draft_broadcast(warned(districts=(areas[0][0].id,)), by=staff("commander"), at=NOW, simulated=True)

    assert problems_of(document(row)) == []
    assert (read(row, "status"), read(row, "note")) == ("Exercise", "Simulated: nobody real is warned.")


def test_what_no_document_can_hold_is_left_out(areas, staff):  # noqa: F811 -- the fixture
    words = "a\x01b <c> & \ufffe\ud83d]]>"
    row = out(
        areas, staff, event="Wa\x08ter", texts=TEXTS | {"en": words.replace("\ud83d", "")}, headlines=HEADS | {"en": "\x0bBoil"}
    )

    assert problems_of(document(row)) == []
    assert read(row, f"info/{CAP}description") == "ab <c> & ]]>"


def test_a_changed_warning_is_an_update_that_names_all_before_it(areas, staff):  # noqa: F811 -- the fixture
    first = out(areas, staff)
    second = changed(first, staff, texts=TEXTS | {"en": "Only the west has bad water."})
    third = changed(second, staff, expires=LATER + timedelta(hours=9))

    for row in (first, second, third):
        assert problems_of(document(row)) == []
    assert [read(row, "msgType") for row in (first, second, third)] == ["Alert", "Update", "Update"]
    names = [f"{read(row, 'sender')},{read(row, 'identifier')},{read(row, 'sent')}" for row in (first, second)]
    assert read(third, "references").split() == names[::-1]
    assert queries.newer(queries.broadcast(first.id)).id == second.id


def test_a_warning_that_was_changed_and_called_off_ends_all_of_it(areas, staff):  # noqa: F811 -- the fixture
    first = out(areas, staff)
    second = changed(first, staff)
    services.cancel_broadcast(second.id, "clean again", by=staff("commander", name="five"), at=LATER + timedelta(minutes=1))

    assert problems_of(document(second)) == []
    assert (read(second, "msgType"), read(second, "note")) == ("Cancel", "clean again")
    assert len(read(second, "references").split()) == 2


def test_who_has_not_got_the_old_words_gets_the_new_ones_alone(areas, staff, deliver_events):  # noqa: F811 -- the fixture
    person(neighbourhood=areas[0][1])
    first = out(areas, staff)
    services.queue_broadcast(first.id, at=NOW)
    second = changed(first, staff)
    services.queue_broadcast(second.id, at=LATER)
    services.queue_broadcast(first.id, at=LATER)

    assert {one.broadcast_id: one.state for one in Notice.objects.all()} == {first.id: "stopped", second.id: "waiting"}
    first.refresh_from_db()
    assert (first.state, first.ended_by) == ("replaced", second.approved_by)


def test_only_what_is_out_is_changed_and_only_once(areas, staff):  # noqa: F811 -- the fixture
    first = out(areas, staff)
    told, by = warned(districts=tuple(first.districts), replaces=first.id), staff("commander", name="three")
    one, other = (services.draft_broadcast(told, by=by, at=LATER) for _ in range(2))
    with pytest.raises(services.NoticeError, match="not out"):
        services.draft_broadcast(warned(districts=tuple(first.districts), replaces=one.id), by=by, at=LATER)
    second = staff("commander", name="four")
    services.approve_broadcast(one.id, by=second, at=LATER)

    with pytest.raises(services.NoticeError, match="not out"):
        services.approve_broadcast(other.id, by=second, at=LATER)

    other.refresh_from_db()
    assert other.state == "drafted"


def test_the_page_begins_with_the_words_that_are_out_and_shows_what_holds(areas, staff, as_role, client):  # noqa: F811 -- fixtures
    first = out(areas, staff, instructions={"en": "Boil it."})
    writer = as_role("commander", name="three")
    page = text(writer.get(f"/notices/warnings/new/?replaces={first.id}"))
    assert all(
        one in page for one in ("This changes the warning", "Boil it.", TEXTS["es"], HEADS["zh-hant"], f'value="{first.id}"')
    )
    assert text(writer.get("/notices/warnings/new/?replaces=nonsense"))
    told = {f"headline_{code}": one for code, one in HEADS.items()} | {f"text_{code}": one for code, one in TEXTS.items()}
    told |= {"event": "Water", "severity": "Severe", "urgency": "Expected", "certainty": "Likely", "hours": "5"}
    writer.post("/notices/warnings/new/", told | {"districts": first.districts, "replaces": str(first.id)})
    second = queries.broadcasts().exclude(id=first.id).get()
    assert second.replaces_id == first.id
    assert "What holds now" not in text(client.get(f"/notices/alerts/{first.id}/"))

    as_role("commander", name="four").post(f"/notices/warnings/{second.id}/approve/")

    assert f'href="/notices/alerts/{second.id}/">What holds now' in text(client.get(f"/notices/alerts/{first.id}/"))
    assert as_role("epidemiologist").get(f"/notices/warnings/{first.id}/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "right", "problem"),
    [
        ("<scope>Public</scope>", "", "alert has 0 scope"),
        ("+08:00</sent>", "Z</sent>", "sent is no moment"),
        ("<category>Health", "<category>Illness", "category is Illness"),
        ("<urgency>Immediate</urgency>", "<urgency>Immediate</urgency><urgency>Past</urgency>", "info has 2 urgency"),
        ("<sender>", "<sender>a b", "sender has a space"),
        ("</headline>", "</headline><colour>red</colour>", "info knows no colour"),
        (" 0.00000,0.00000</polygon>", "</polygon>", "ends where it begins"),
        ("<web>", "<areaDesc>here</areaDesc><web>", "info knows no areaDesc"),
        ("<msgType>Alert", "<msgType>Cancel", "to which alerts it refers"),
    ],
)
def test_the_check_itself_finds_what_is_wrong(areas, staff, wrong, right, problem):  # noqa: F811 -- the fixture
    made = document(out(areas, staff)).decode()
    assert wrong in made

    assert problem in " ".join(problems_of(made.replace(wrong, right).encode()))
