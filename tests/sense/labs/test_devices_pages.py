"""Pages of test devices and samples: what each shows, and what nobody gets by asking otherwise."""

from datetime import date, timedelta

import pytest

from epipolis.core import access, clock
from epipolis.core.models import AuditEntry, DeviceToken
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.models import Device, KitLot, LabMessage, LabResult, SampleLabel

from . import devices as made
from .messages import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def page(client, staff, at_noon):
    """Open a page as somebody with a role."""

    def open_page(role, address, data=None):
        client.force_login(staff(role, name=f"{role}-{DeviceToken.objects.count()}-{AuditEntry.objects.count()}"))
        session = client.session
        session[access.SECOND_FACTOR] = True
        session.save()
        address = f"/labs/{address}"
        return client.get(address) if data is None else client.post(address, data)

    return open_page


def send(client, token, **values):
    return made.OverHttp(client, token)(made.reading(**values))


def test_pages_without_anything_say_what_comes_first(page):
    assert "No device is registered" in page("tracer", "devices/").text
    assert "No lot is registered" in page("tracer", "lots/").text
    assert "No label yet" in page("tracer", "labels/").text


def test_registering_a_device_shows_its_token_once(page, client):
    answer = page("registrar", "devices/register/", {"serial": "EP-5", "place": "Clinic 5"})

    device = Device.objects.get()
    token = answer.text.split('value="epi_')[1].split('"')[0]
    assert (answer["Cache-Control"], device.account.scopes) == ("no-store", ["labs.measure"])
    assert send(client, f"epi_{token}")["status"] == "stored"
    assert "epi_" not in client.get(f"/labs/devices/{device.id}/").text


def test_a_serial_number_is_registered_once(page):
    made.device("EP-5")

    assert "registered already" in page("registrar", "devices/register/", {"serial": "EP-5", "place": "x"}).text
    assert Device.objects.count() == 1


def test_a_device_that_is_not_heard_is_shown_as_stale_and_one_that_is_paused_is_not(page):
    device, _ = made.device()
    Device.objects.update(known_at=NOW - timedelta(days=3))
    assert "has not been heard for too long" in page("tracer", "devices/").text
    assert queries.stale_tile(NOW)["value"] == 1

    services.set_state(device.id, "paused", "repair", by="test", at=NOW)

    assert "has not been heard" not in page("tracer", "devices/").text


def test_the_share_of_errors_counts_what_said_nothing_and_what_waits(page, client):
    device, token = made.device()
    made.lot()
    made.label()
    for number, values in enumerate(({}, {"control_valid": False}, {"sample": "NOBODY"}, {"result": "positive"})):
        send(client, token, number=f"R{number}", **values)

    row = queries.device_row(device, NOW)
    assert (row.readings, row.invalid, row.waiting, row.error_percent) == (4, 1, 1, 50.0)
    text = page("tracer", f"devices/{device.id}/").text
    assert "50.0 %" in text
    assert "no control line" in text


def test_a_devices_page_names_nobody(page, client):
    device, token = made.device()
    made.lot()
    made.label()
    send(client, token)

    text = page("epidemiologist", f"devices/{device.id}/").text
    assert "R1" in text
    assert not any(word in text for word in ("Torres", "TUBE0001", str(LabResult.objects.get().person_id)))


def test_a_device_is_paused_only_with_a_reason(page):
    device, _ = made.device()

    page("registrar", f"devices/{device.id}/state/", {"state": "lost"})
    assert made.found().state == "active"
    page("registrar", f"devices/{device.id}/state/", {"state": "lost", "reason": "stolen"})
    assert (made.found().state, made.found().state_reason) == ("lost", "stolen")


def test_another_token_ends_the_former_at_once(page, client):
    device, token = made.device()

    page("registrar", f"devices/{device.id}/renew/", {})

    with clock.fixed(NOW):
        answer = client.post(
            "/api/v1/labs/readings", b"{}", content_type="application/json", headers={"authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 401


def test_changing_a_device_sets_who_works_with_it(page, staff):
    device, _ = made.device()
    nurse = staff("kiosk", name="nurse")

    page("registrar", f"devices/{device.id}/change/", {"place": "Room 2", "operators": [nurse.id]})

    assert (made.found().place, queries.operators_of(device)) == ("Room 2", [nurse])


def test_lots_show_their_end_and_readings_that_wait_for_one(page, client):
    _device, token = made.device()
    made.lot("OLD", expires=date(2021, 3, 9))
    made.lot("SOON", expires=date(2021, 3, 20))
    made.lot("BAD", is_allowed=False)
    send(client, token, lot="L77")

    text = page("registrar", "lots/").text
    assert all(word in text for word in ("ended", "ends soon", "must not be used", "?number=L77"))
    values = {"number": "L77", "kind": "antigen", "disease": "COVID-19", "expires": "2021-12-31", "is_allowed": "on"}
    page("registrar", "lots/", values)
    assert KitLot.objects.get(number="L77").expires == date(2021, 12, 31)
    assert LabMessage.objects.get().state == "received"


@pytest.mark.parametrize(
    "change", [{"expires": "soon"}, {"kind": "guess"}, {"coldest": "30", "warmest": "2"}, {"disease": " "}]
)
def test_a_lot_that_cannot_be_is_not_registered(page, change):
    values = {"number": "L1", "kind": "antigen", "disease": "COVID-19", "expires": "2021-12-31", "is_allowed": "on"}

    assert page("registrar", "lots/", values | change).status_code == 200
    assert not KitLot.objects.exists()


def test_at_the_counter_a_person_is_found_and_given_a_label_and_both_are_written_down(page):
    ana = made.person()

    answer = page("tracer", "counter/", {"q": "A100000001"})
    assert f"/labs/counter/{ana}/" in answer.text
    page("tracer", f"counter/{ana}/", {"barcode": " tube-7 "})

    label = SampleLabel.objects.get()
    assert (label.barcode, label.person_id) == ("TUBE-7", ana)
    assert AuditEntry.objects.filter(action="people.read", person=ana, detail__why="search").exists()
    assert AuditEntry.objects.filter(action="labs.give_label", person=ana).exists()
    assert "TUBE-7" in page("tracer", f"counter/{ana}/").text


def test_a_label_of_somebody_else_is_not_given_again(page):
    ana, luis = made.person(), made.person("Luis", "Vega", "A100000002")
    made.label("TUBE0001", ana)

    page("tracer", f"counter/{luis}/", {"barcode": "TUBE0001"})

    assert SampleLabel.objects.get().person_id == ana


def test_a_label_given_by_mistake_is_taken_back_with_a_reason(page):
    label = made.label()

    page("tracer", f"labels/{label.id}/take-back/", {"reason": ""})
    assert SampleLabel.objects.get().taken_back is None
    page("tracer", f"labels/{label.id}/take-back/", {"reason": "wrong person"})
    assert SampleLabel.objects.get().taken_back == NOW


def test_labels_are_made_and_printed_as_pages(page):
    answer = page("tracer", "labels/print/", {"count": "3"})

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert SampleLabel.objects.count() == 3
    assert page("tracer", "labels/print/", {"count": "100000"}).status_code == 302
    assert SampleLabel.objects.count() == 3


def test_simulated_devices_and_readings_say_so_on_every_page(page, client):
    device, token = made.device()
    made.lot()
    made.label()
    Device.objects.update(simulated=True)
    send(client, token)
    KitLot.objects.update(simulated=True)

    for address in ("devices/", f"devices/{device.id}/", "lots/"):
        assert "simulated" in page("tracer", address).text


def test_a_waiting_reading_can_be_read_in_the_inbox(page, client):
    _device, token = made.device()
    made.lot()
    send(client, token, sample="NOBODY")
    message = LabMessage.objects.get()

    assert "No label has the barcode NOBODY." in page("tracer", "").text
    text = page("tracer", f"messages/{message.id}/").text
    assert made.LOT in text


# Who tries to get in


def call(client, token, path, body=b"{}", method="post"):
    headers = {"authorization": f"Bearer {token}"}
    with clock.fixed(NOW):
        return getattr(client, method)(f"/api/v1/labs/{path}", body, content_type="application/json", headers=headers)


def test_a_devices_token_reads_nothing_and_gives_no_label(client):
    device, token = made.device()
    ana = made.person()

    assert call(client, token, f"devices/{device.id}/readings", None, "get").status_code == 403
    assert call(client, token, "devices", None, "get").status_code == 403
    assert call(client, token, "results", None, "get").status_code == 403
    assert call(client, token, "messages").status_code == 403
    assert call(client, token, "labels", f'{{"barcode": "T0001", "person": "{ana}"}}').status_code == 403


def test_a_token_for_measuring_that_belongs_to_no_device_stores_nothing(client):
    _token, secret = access.issue_token("stray", ["labs.measure"], by=None, at=NOW)

    assert call(client, secret, "readings").status_code == 409
    assert not LabMessage.objects.exists()


def test_a_token_with_another_scope_sends_no_reading(client):
    _token, secret = access.issue_token("laboratory", ["labs.send"], by=None, at=NOW)

    assert call(client, secret, "readings").status_code == 403


def test_one_device_cannot_speak_for_another(client):
    made.device("EP-1")
    _other, token = made.device("EP-2")
    made.lot()
    made.label()

    made.OverHttp(client, token)(made.reading(device="EP-1"))

    assert LabMessage.objects.get().sender == "device EP-2"
    assert not LabResult.objects.exists()


@pytest.mark.parametrize(
    ("role", "address", "data"),
    [
        ("tracer", "devices/register/", {"serial": "X-1", "place": "x"}),
        ("tracer", "devices/{device}/state/", {"state": "lost", "reason": "x"}),
        ("tracer", "devices/{device}/renew/", {}),
        ("tracer", "devices/{device}/change/", {"place": "x"}),
        ("tracer", "lots/{lot}/", {"kind": "pcr", "disease": "x", "expires": "2030-01-01"}),
        ("epidemiologist", "counter/", {"q": "A100000001"}),
        ("epidemiologist", "counter/{person}/", {"barcode": "TUBE9"}),
        ("epidemiologist", "labels/print/", {"count": "1"}),
        ("epidemiologist", "labels/{label}/take-back/", {"reason": "x"}),
        ("operator", "counter/{person}/", None),
        ("kiosk", "devices/", None),
        ("partner", "devices/{device}/", None),
        ("auditor", "labels/", None),
    ],
)
def test_a_role_without_the_permission_is_refused_and_changes_nothing(page, role, address, data):
    device, _ = made.device()
    lot, label = made.lot(), made.label()
    before = (device.state, device.account_id, lot.kind)

    answer = page(role, address.format(device=device.id, lot=lot.id, label=label.id, person=label.person_id), data)

    assert answer.status_code == 403
    device, lot = made.found(), KitLot.objects.get()
    assert (device.state, device.account_id, lot.kind) == before
    assert (Device.objects.count(), SampleLabel.objects.count()) == (1, 1)
    assert SampleLabel.objects.get().taken_back is None


def test_a_lot_is_not_registered_by_who_may_only_see_them(page):
    values = {"number": "L1", "kind": "antigen", "disease": "COVID-19", "expires": "2030-12-31", "is_allowed": "on"}

    page("tracer", "lots/", values)

    assert not KitLot.objects.exists()


def test_a_person_of_the_kiosk_role_sends_no_reading_without_a_device(page, client):
    page("kiosk", "devices/")

    answer = client.post("/api/v1/labs/readings", b"{}", content_type="application/json")
    assert answer.status_code == 409
