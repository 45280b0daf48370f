from uuid import UUID

import pytest

from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from tests.sense.city.factories import neighbourhood

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db


def correct(someone, **changes):
    return services.correct_person(someone.id, changes, by="registrar", at=AT)


def held(someone):
    return queries.what_is_held(someone.id)


def test_only_what_differs_is_changed_and_named():
    made = ana()

    changed = correct(made, given_name="Eva", family_name="Torres", sex="", birth=(1980, None, None), language="es")

    assert changed == ["given_name", "birth", "sex"]
    assert (held(made)["given_name"], held(made)["born"], held(made)["sex"]) == ("Eva", "1980", "")


def test_the_history_tells_fields_and_never_values():
    made = ana()

    correct(made, given_name="Eva", phones=["555 0001"])

    latest = queries.history_of(made.id)[0]
    assert (latest["action"], latest["by"], latest["fields"]) == ("people.correct", "registrar", ["given_name", "phones"])
    assert not any("Eva" in str(entry.detail) or "555" in str(entry.detail) for entry in AuditEntry.objects.all())


def test_the_same_again_changes_nothing_and_writes_nothing_down():
    made = ana()
    entries = AuditEntry.objects.count()

    changed = correct(made, given_name="Ana", phones=["+999 12 345 678"], identifiers=[("national_id", "a123456789")])

    assert (changed, AuditEntry.objects.count()) == ([], entries)


def test_a_corrected_name_is_found_and_the_former_is_not():
    made = ana()

    correct(made, family_name="Ruiz")

    found = [queries.search(text, by="registrar", at=AT) for text in ("Ana Ruiz", "Ana Torres")]
    assert found == [[made], []]


def test_telephones_and_mail_are_whole_lists():
    made = ana()

    correct(made, phones=["555 0001", "555 0002"], emails=[])

    assert (held(made)["phones"], held(made)["emails"]) == (["555 0001", "555 0002"], [])


def test_a_number_of_somebody_else_is_refused_and_nothing_is_changed():
    person(("passport", "X1"))
    made = ana()

    with pytest.raises(services.PersonError, match="this passport is another person's"):
        correct(made, given_name="Eva", identifiers=[("passport", "X1")])

    assert held(made)["given_name"] == "Ana"


def test_a_home_may_be_set_and_taken_away():
    made, home = ana(), neighbourhood()

    assert correct(made, neighbourhood=home) == ["neighbourhood"]
    assert held(made)["neighbourhood"] == "Docks"
    assert correct(made, neighbourhood=None) == ["neighbourhood"]


@pytest.mark.parametrize(
    "changes",
    [{"sex": "Q"}, {"birth": (2**63, 1, 1)}, {"given_name": "\0"}, {"phones": ["x"]}, {"erased": None}, {"id": NOBODY}],
)
def test_a_change_that_breaks_a_rule_is_refused(changes):
    made = ana()

    with pytest.raises(services.PersonError):
        correct(made, **changes)


def test_nobody_cannot_be_corrected():
    with pytest.raises(LookupError):
        services.correct_person(UUID(NOBODY), {"sex": "F"}, by="registrar", at=AT)
