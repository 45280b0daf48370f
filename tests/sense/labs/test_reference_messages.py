"""Whole records of patients and messages of all kinds, as others publish them: each ends in one state, once."""

import pytest

from epipolis.core import clock
from epipolis.sense.labs import services
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people.models import Person

from .messages import NOW

pytestmark = pytest.mark.django_db
State = LabMessage.State


@pytest.fixture
def take(lab, deliver_events):
    def taken(paths, form):
        with clock.fixed(NOW):
            for path in paths:
                services.receive(path.read_bytes(), form, by="test", at=NOW)
            deliver_events()
        return list(LabMessage.objects.order_by("id").values_list("id", "state", "problem", "attempts", "processed"))

    return taken


@pytest.mark.parametrize(
    ("folder", "ending", "form", "count"), [("fhir_synthea_r4", "json", "fhir", 10), ("hl7v2", "hl7", "hl7", 15)]
)
def test_every_published_message_ends_in_one_state_and_twice_changes_nothing(shared_data, take, folder, ending, form, count):
    paths = sorted((shared_data / folder).glob(f"*.{ending}"))
    assert len(paths) == count

    first = take(paths, form)
    kept = (LabResult.objects.count(), Person.objects.count())
    again = take(paths, form)

    assert len(first) == count
    assert all(state in State.values and state != State.RECEIVED for _, state, *_ in first)
    assert all(attempts == 1 for *_, attempts, _ in first)
    assert not [one for one in first if one[2] == "failed"]
    assert again == first
    assert (LabResult.objects.count(), Person.objects.count()) == kept
