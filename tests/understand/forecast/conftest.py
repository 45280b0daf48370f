import pytest


@pytest.fixture(scope="module")
def full_city(django_db_setup, django_db_blocker):
    """A city with a record of five rounds, made once for all tests of a file; each test undoes its own changes."""
    from django.db import transaction

    from .factories import epidemic, past_rounds, town

    with django_db_blocker.unblock(), transaction.atomic():
        epidemic(town())
        past_rounds(weeks=4)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def full(full_city, db):
    """The same, within the database of a test."""


@pytest.fixture
def ana(staff):
    return staff("epidemiologist", name="ana")


@pytest.fixture
def page(client, ana):
    client.force_login(ana)

    def get(path, status=200, **data):
        answer = client.get(path, data)
        assert answer.status_code == status, answer.status_code
        return b"".join(answer).decode() if answer.streaming else answer.content.decode()

    return get


@pytest.fixture
def api(client, ana):
    """Call the API as an epidemiologist and get what it answers."""
    from epipolis.core import clock

    from .factories import NOW

    client.force_login(ana)

    def call(method, path, data=None, status=200, content_type="application/json"):
        with clock.fixed(NOW):
            answer = getattr(client, method)(f"/api/v1/forecast/{path}", data, content_type=content_type)
        body = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code == status, body
        return answer.json() if answer["Content-Type"].startswith("application/") else body.decode()

    return call
