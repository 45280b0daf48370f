"""The log helps to find a fault and names nobody."""

import io
import json
import logging
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from epipolis.core.imports import ImportOptions
from epipolis.core.logs import JsonLines
from epipolis.core.models import SentOnce
from epipolis.sense.people import services as people

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
GIVEN, FAMILY, NUMBER, PHONE = "Xochiquetzal", "Wolfeschlegel", "QX9988776", "+886 955 123 789"


@pytest.fixture
def log():
    """Everything that is logged, down to the finest detail, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def _says_nothing_of_them(text: str) -> bool:
    digits = PHONE.replace(" ", "")
    return not any(part.casefold() in text.casefold() for part in (GIVEN, FAMILY, NUMBER, PHONE, digits))


def test_importing_reporting_and_reading_name_nobody(log, staff, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text(
        f"given_name,family_name,national_id,phone,birth\n{GIVEN},{FAMILY},{NUMBER},{PHONE},1980-02-30\n"
        f"{GIVEN},{FAMILY},{NUMBER},{PHONE},1980-02-03\n",
        encoding="utf-8",
    )
    people.import_people(table, ImportOptions(by="clerk", at=AT))
    person, _created = people.find_or_make_person(
        [("national_id", NUMBER)], by="clerk", at=AT, given_name=GIVEN, family_name=FAMILY, phones=[PHONE]
    )
    client = Client()
    client.force_login(staff("registrar", "tracer", name="clerk"))
    shown = client.get(f"/people/{person.id}/")
    client.get(f"/people/?q={NUMBER}")
    client.post("/people/", {"q": f"{GIVEN} {FAMILY}"})
    client.get("/nowhere/at/all/")
    client.post("/api/v1/cases/", json.dumps({"person": str(person.id), "note": GIVEN}), content_type="application/json")

    text = log.getvalue()
    assert GIVEN in shown.content.decode()
    assert "/nowhere/at/all/" in text
    assert _says_nothing_of_them(text)


def test_a_refusal_of_the_database_is_logged_without_the_row(log):
    note = {"sender": FAMILY, "key": GIVEN, "request_digest": "x", "at": AT}
    SentOnce.objects.create(**note)

    try:
        with transaction.atomic():
            SentOnce.objects.create(**note)
    except IntegrityError as error:
        said = str(error)
        logging.getLogger("epipolis.test").exception("it could not be stored")

    assert FAMILY in said
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "epipolis.test", "it could not be stored")
    assert line["error"] == "IntegrityError"
    assert any("test_logs.py" in place for place in line["where"])
    assert _says_nothing_of_them(log.getvalue())


def test_every_line_is_one_json_object_with_request_and_hashed_user(log, staff):
    user = staff("tracer")
    client = Client()
    client.force_login(user)

    answer = client.get("/accounts/staff/")

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    refusal = next(line for line in lines if line["logger"] == "django.request")
    assert refusal["request"] == answer.headers["X-Request-Id"]
    assert len(refusal["user"]) == 16
    assert user.username not in refusal["user"]
    assert set(refusal) >= {"time", "level", "logger", "message"}
