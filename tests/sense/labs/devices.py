"""A test device of an invented clinic, its readings, and the two roads by which they come."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

from epipolis.core import clock
from epipolis.core.models import User
from epipolis.sense.labs import services
from epipolis.sense.labs.models import Device
from epipolis.sense.people import services as people

from .messages import NOW

LOT = "L2021"
LOT_VALUES = {"kind": "antigen", "disease": "COVID-19", "expires": date(2021, 6, 30), "product": "Rapid"}


def person(name="Ana", family="Torres", number="A100000001"):
    row = people.PersonRow(
        identifiers=(("national_id", number),), given_name=name, family_name=family, birth=(1980, 5, 17), sex="F"
    )
    return people.match_person(row, by="test", at=NOW).person


def device(serial="EP-1", *, operator="ruth", **values):
    user, _ = User.objects.get_or_create(username=operator)
    made, token = services.register_device(serial, {"place": "Clinic 1"} | values, [user], by="test", at=NOW)
    return made, token


def lot(number=LOT, **values):
    return services.register_lot(number, LOT_VALUES | values, by="test", at=NOW)[0]


def label(barcode="TUBE0001", who=None):
    return services.give_label(barcode, who or person(), by="test", at=NOW)[0]


def reading(number="R1", **values):
    at = (NOW - timedelta(minutes=10)).isoformat()
    known = {"reading": number, "sample": "TUBE0001", "lot": LOT, "operator": "ruth", "result": "positive"}
    return known | {"measured_at": at, "sent_at": NOW.isoformat(), "control_valid": True, "battery": 80} | values


@dataclass
class OverHttp:
    """Readings by the API, as a device sends them."""

    client: object
    token: str

    def __call__(self, body, at=NOW):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with clock.fixed(at):
            answer = self.client.post(
                "/api/v1/labs/readings",
                raw,
                content_type="application/json",
                headers={"authorization": f"Bearer {self.token}"},
            )
        if answer.status_code == 422:
            return {"status": "rejected"}
        assert answer.status_code in (200, 201), answer.content
        return answer.json()


def signed(body, serial, token):
    """The envelope in which a reading goes over a broker."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = services.sign(raw, serial, services.signing_key(token))
    return json.dumps({"signed": raw.decode("latin-1"), "mac": mac}).encode()


def found(serial="EP-1"):
    return Device.objects.get(serial=serial)
