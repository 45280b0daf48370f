"""Accounts of staff and tokens of devices: who may do what to whom."""

import json
import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from epipolis.core import access, accounts, clock
from epipolis.core.models import AuditEntry, User
from epipolis.core.modules import ROLES
from epipolis.core.roles import declared_permissions

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(staff):
    """An operator who has just typed the password again, with a second operator in the city."""
    staff("operator", name="second")
    client = Client()
    client.user = staff("operator")
    client.force_login(client.user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("id")


def test_an_operator_makes_an_account_whose_password_is_shown_once(operator):
    answer = operator.post("/accounts/staff/new/", {"username": "lin", "full_name": "Lin Mei", "roles": ["tracer"]})

    user = User.objects.get(username="lin")
    password = re.search(r'id="password" value="([^"]+)"', answer.content.decode()).group(1)
    assert user.check_password(password)
    assert (user.role_names, user.must_change_password, user.get_full_name()) == (["tracer"], True, "Lin Mei")
    entry = last("access.make_account")
    assert (entry.actor, entry.subject, entry.detail) == ("operator", str(user.pk), {"roles": ["tracer"]})
    assert "Lin" not in json.dumps([list(row) for row in AuditEntry.objects.values_list("subject", "detail")])
    assert password not in operator.get(f"/accounts/staff/{user.pk}/").content.decode()


def test_sensitive_pages_ask_for_the_password_again(staff):
    client = Client()
    client.force_login(staff("operator"))
    other = staff("tracer")

    for page in ("staff/new/", f"staff/{other.pk}/reset/", f"staff/{other.pk}/close/", "tokens/new/"):
        answer = client.post(f"/accounts/{page}", {"username": "x", "roles": ["tracer"]})
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/"), page
    assert User.objects.filter(username="x").count() == 0


@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "nul\0", "<script>", "operator"])
def test_a_name_that_cannot_be_is_refused(operator, name):
    before = User.objects.count()

    answer = operator.post("/accounts/staff/new/", {"username": name, "roles": ["tracer"]})

    assert answer.status_code == 422
    assert User.objects.count() == before


def test_nobody_changes_the_rights_of_their_own_account(operator):
    me = operator.user

    for page, data in (("roles", {"roles": ["operator", "registrar"]}), ("reset", {}), ("close", {}), ("open", {})):
        operator.post(f"/accounts/staff/{me.pk}/{page}/", data)

    me.refresh_from_db()
    assert (me.role_names, me.is_active, me.check_password(PASSWORD)) == (["operator"], True, True)
    assert Authenticator.objects.filter(user=me).exists()


def test_roles_change_end_the_sessions_and_are_noted(operator, staff):
    tracer, session = staff("tracer"), Client()
    session.force_login(tracer)

    operator.post(f"/accounts/staff/{tracer.pk}/roles/", {"roles": ["epidemiologist", "commander"]})

    tracer.refresh_from_db()
    assert tracer.role_names == ["commander", "epidemiologist"]
    assert session.get("/accounts/me/").status_code == 302
    assert last("access.change_roles").detail == {"before": ["tracer"], "roles": ["commander", "epidemiologist"]}


@pytest.mark.parametrize("roles", [["king"], ["operator", "auditor"]])
def test_roles_that_do_not_exist_or_do_not_go_together_are_refused(staff, roles):
    tracer = staff("tracer")

    with pytest.raises(ValueError, match=r"role|audit"):
        accounts.change_roles(tracer, roles, by=staff("operator"), at=clock.now())

    assert tracer.role_names == ["tracer"]


def test_the_last_operator_and_the_last_auditor_stay(staff):
    operator, auditor, at = staff("operator"), staff("auditor"), clock.now()

    for user in (operator, auditor):
        with pytest.raises(ValueError, match="last open account"):
            accounts.change_roles(user, ["tracer"], by="platform", at=at)
        with pytest.raises(ValueError, match="last open account"):
            accounts.close_account(user, by="platform", at=at)

    staff("operator", name="second")
    accounts.close_account(operator, by="platform", at=at)
    assert not User.objects.get(pk=operator.pk).is_active


def test_closing_an_account_ends_its_sessions_and_its_tokens(operator, staff):
    second = User.objects.get(username="second")
    session = Client()
    session.force_login(second)
    _device, secret = access.issue_token("kiosk", ["checkins.record"], by=second, at=clock.now())

    operator.post(f"/accounts/staff/{second.pk}/close/", {"tokens": "on"})

    assert session.get("/accounts/me/").status_code == 302
    assert Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/me").status_code == 401
    assert not Client().login(username="second", password=PASSWORD)
    assert last("access.close_account").detail == {"tokens": 1}


def test_tokens_may_outlive_the_account_that_issued_them(operator, staff):
    second = User.objects.get(username="second")
    _device, secret = access.issue_token("kiosk", ["checkins.record"], by=second, at=clock.now())

    operator.post(f"/accounts/staff/{second.pk}/close/", {})

    assert Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/me").status_code == 200


def test_a_reset_gives_a_temporary_password_and_takes_the_factor_and_the_sessions(operator, staff):
    tracer, session = staff("tracer"), Client()
    session.force_login(tracer)

    answer = operator.post(f"/accounts/staff/{tracer.pk}/reset/")

    password = re.search(r'id="password" value="([^"]+)"', answer.content.decode()).group(1)
    tracer.refresh_from_db()
    assert tracer.check_password(password)
    assert tracer.must_change_password
    assert not Authenticator.objects.filter(user=tracer).exists()
    assert session.get("/accounts/me/").status_code == 302


def test_an_account_that_is_opened_again_starts_afresh(operator, staff):
    tracer = staff("tracer")
    operator.post(f"/accounts/staff/{tracer.pk}/close/", {})

    operator.post(f"/accounts/staff/{tracer.pk}/open/")

    tracer.refresh_from_db()
    assert (tracer.is_active, tracer.must_change_password, tracer.check_password(PASSWORD)) == (True, True, False)


def test_a_weak_password_is_refused(staff):
    for weak in ("short", "lin-mei-hua-2"):
        with pytest.raises(ValueError, match="password"):
            accounts.make_account("lin-mei-hua", ["tracer"], by="test", at=clock.now(), password=weak)


def test_temporary_passwords_differ_and_can_be_read_aloud():
    made = {accounts.make_password() for _ in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch(r"([a-z]{4}[2-9]-?){4}", password) for password in made)


def test_a_token_is_shown_once_and_kept_as_a_digest(operator):
    answer = operator.post("/accounts/tokens/new/", {"name": "Station", "scopes": ["checkins.record"], "days": "30"})

    secret = re.search(r'id="token" value="([^"]+)"', answer.content.decode()).group(1)
    device = access.all_tokens().get()
    assert secret.startswith("epi_")
    assert secret not in json.dumps([device.token_hash, device.name])
    assert secret not in operator.get("/accounts/tokens/").content.decode()
    me = Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/me").json()
    assert (me["name"], me["kind"], me["permissions"]) == ("Station", "device", ["checkins.record"])


def test_a_token_ends_when_revoked_and_when_its_time_is_over(operator):
    at = clock.now()
    revoked, first = access.issue_token("a", ["checkins.record"], by=None, at=at)
    _device, second = access.issue_token("b", ["checkins.record"], by=None, at=at - timedelta(days=3), days=2)

    operator.post(f"/accounts/tokens/{revoked.pk}/revoke/")

    for secret in (first, second):
        assert Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/me").status_code == 401
    assert last("access.revoke_token").subject == str(revoked.pk)


def test_the_last_use_of_a_token_is_noted(operator):
    device, secret = access.issue_token("a", ["checkins.record"], by=None, at=clock.now())

    Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/me")

    device.refresh_from_db()
    assert device.last_used is not None


@pytest.mark.parametrize("scopes", [[], ["core.accounts"], ["core.tokens"], ["nothing.here"], ["people.view_names"]])
def test_a_token_cannot_carry_what_is_not_for_devices(operator, scopes):
    with pytest.raises(ValueError, match=r"scope|may not give"):
        access.issue_token("a", scopes, by=operator.user, at=clock.now())

    answer = operator.post("/accounts/tokens/new/", {"name": "a", "scopes": scopes, "days": "30"})

    assert answer.status_code == 422
    assert not access.all_tokens().exists()


def test_every_role_has_exactly_the_permissions_that_modules_declare(staff):
    for role in ROLES:
        user = staff(role, name=f"only-{role}")

        expected = {name for name, can in declared_permissions().items() if role in can.roles}

        assert {name for name in declared_permissions() if user.has_perm(name)} == expected, role


def test_me_tells_a_person_who_they_are(client, staff):
    client.force_login(staff("tracer", "commander", name="lin"))

    me = client.get("/api/v1/me").json()

    assert (me["name"], me["kind"], me["roles"]) == ("lin", "person", ["commander", "tracer"])
    assert "core.live" in me["permissions"]
    assert "core.accounts" not in me["permissions"]


@pytest.mark.parametrize("page", ["/accounts/staff/", "/accounts/tokens/"])
def test_lists_take_the_same_number_of_queries_however_long(operator, staff, page):
    counts = []
    operator.get(page)  # what is looked up once a minute is looked up here

    for number in range(3):
        staff("tracer", "commander", name=f"t{number}")
        access.issue_token(f"d{number}", ["checkins.record"], by=operator.user, at=clock.now())
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(page).status_code == 200
        counts.append(len(queries))

    assert len(set(counts)) == 1, counts
    assert counts[0] <= 12
