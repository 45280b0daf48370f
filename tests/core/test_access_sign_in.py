"""Signing in: two things that one must have, told apart from everything less."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client

from epipolis.core import access, accounts, clock
from epipolis.core.models import AuditEntry, User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


def code(steps: int = 0) -> str:
    counters = list(yield_hotp_counters_from_time())
    return format_hotp_value(hotp_value(SECRET, counters[len(counters) // 2] + steps))


def give_password(client: Client, name: str, password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": name, "password": password})


def sign_in(client: Client, name: str):
    give_password(client, name)
    return client.post("/accounts/factors/ask/", {"code": code()})


def actions() -> list[str]:
    return list(AuditEntry.objects.filter(action__startswith="access.").order_by("id").values_list("action", flat=True))


def test_password_and_code_sign_in(client, staff):
    staff("tracer")

    asked = give_password(client, "tracer")
    assert asked.headers["Location"] == "/accounts/factors/ask/"
    assert client.get("/accounts/me/").status_code == 302
    done = client.post("/accounts/factors/ask/", {"code": code()})

    assert done.headers["Location"] == "/"
    assert client.get("/accounts/me/").status_code == 200
    assert actions() == ["access.sign_in"]


def test_a_wrong_password_is_refused_and_noted_without_what_was_typed(client, staff):
    user = staff("tracer")

    answer = give_password(client, "tracer", "not the password")
    give_password(client, "my-secret-typed-here", "x")

    assert answer.status_code == 200
    entries = AuditEntry.objects.filter(action="access.wrong_password").order_by("id")
    assert [entry.subject for entry in entries] == [str(user.pk), "unknown"]
    assert "my-secret" not in str([(entry.subject, entry.detail) for entry in entries])


def test_a_wrong_code_is_refused_and_noted(client, staff):
    staff("tracer")

    give_password(client, "tracer")
    client.post("/accounts/factors/ask/", {"code": "000000"})

    assert client.get("/accounts/me/").status_code == 302
    assert actions() == ["access.wrong_factor"]


def test_a_code_works_once(client, staff):
    staff("tracer")
    shown = code()
    give_password(client, "tracer")
    client.post("/accounts/factors/ask/", {"code": shown})
    again = Client()

    give_password(again, "tracer")
    again.post("/accounts/factors/ask/", {"code": shown})

    assert client.get("/accounts/me/").status_code == 200
    assert again.get("/accounts/me/").status_code == 302


def test_an_account_is_locked_after_five_wrong_passwords_even_for_the_right_one(client, staff):
    cache.clear()
    staff("tracer")

    for _ in range(5):
        give_password(client, "tracer", "wrong")
    right = give_password(client, "tracer")

    assert right.status_code == 200
    assert "Too many failed" in right.content.decode()


def test_an_account_without_a_second_factor_reaches_nothing_but_the_way_to_one(client, staff):
    staff("operator", second_factor=False)

    give_password(client, "operator")

    for page in ("/", "/accounts/me/", "/accounts/staff/", "/work/", "/accounts/tokens/"):
        assert client.get(page).headers["Location"] == "/accounts/factors/", page
    assert client.get("/accounts/factors/").status_code == 200
    assert client.get("/api/v1/me").status_code == 403
    assert client.get("/health/").status_code == 200
    assert access.account_of_session(client.session.session_key) is None


@pytest.mark.django_db(transaction=True)
def test_setting_up_an_app_opens_the_platform_and_ends_the_other_sessions(client, staff):
    user = staff("operator", second_factor=False)
    other = Client()
    give_password(other, "operator")
    give_password(client, "operator")

    client.get("/accounts/factors/app/add/")
    secret = client.session["mfa.totp.secret"]
    counter = next(yield_hotp_counters_from_time()) + 1
    done = client.post("/accounts/factors/app/add/", {"code": format_hotp_value(hotp_value(secret, counter))})

    assert done.headers["Location"] == "/accounts/factors/codes/"
    assert client.get("/accounts/staff/").status_code == 200
    assert other.get("/accounts/staff/").headers["Location"].startswith("/accounts/login/")
    assert other.get("/accounts/factors/").status_code == 302
    assert access.account_of_session(client.session.session_key) == user
    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert secret not in stored


def test_a_sign_in_counts_as_fresh_for_ten_minutes(client, staff, settings):
    staff("operator")
    sign_in(client, "operator")
    fresh = client.get("/accounts/factors/codes/new/").status_code
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0

    stale = client.post("/accounts/staff/new/", {"username": "x", "roles": ["tracer"]})

    assert fresh == 200
    assert stale.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not User.objects.filter(username="x").exists()


def test_recovery_codes_are_shown_once_and_work_once(client, staff):
    user = staff("tracer")
    sign_in(client, "tracer")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/factors/codes/new/")
    first = client.get("/accounts/factors/codes/").content.decode()
    second = client.get("/accounts/factors/codes/").content.decode()
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    one, two = Client(), Client()

    for session in (one, two):
        give_password(session, "tracer")
        session.post("/accounts/factors/ask/", {"code": codes[0]})

    assert codes[0] in first
    assert codes[0] not in second
    assert one.get("/accounts/me/").status_code == 200
    assert two.get("/accounts/me/").status_code == 302


def test_the_last_second_factor_cannot_be_removed(client, staff):
    user = staff("tracer")
    sign_in(client, "tracer")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    client.post("/accounts/factors/app/remove/")

    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_a_temporary_password_opens_only_the_page_to_change_it(client):
    user, password = accounts.make_account("lin", ["tracer"], by="test", at=clock.now(), full_name="Lin Mei")

    give_password(client, "lin", password)
    before = client.get("/accounts/factors/")
    client.post(
        "/accounts/password/",
        {"oldpassword": password, "password1": "quiet river stone", "password2": "quiet river stone"},
    )
    after = client.get("/accounts/factors/")

    assert before.headers["Location"] == "/accounts/password/"
    assert after.status_code == 200
    user.refresh_from_db()
    assert not user.must_change_password


def test_the_session_changes_its_key_at_sign_in(client, staff):
    staff("tracer")
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key
    before = session.session_key

    sign_in(client, "tracer")

    assert client.session.session_key != before
    assert Client(headers={"cookie": f"sessionid={before}"}).get("/accounts/me/").status_code == 302


def test_signing_out_everywhere_keeps_only_this_browser(client, staff):
    user = staff("tracer")
    other = Client()
    client.force_login(user)
    other.force_login(user)

    client.post("/accounts/me/end-sessions/")

    assert client.get("/accounts/me/").status_code == 200
    assert other.get("/accounts/me/").status_code == 302


@pytest.mark.parametrize("bad", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(client, staff, bad):
    staff("tracer")
    client.post("/accounts/login/", {"login": "tracer", "password": PASSWORD, "next": bad})

    done = client.post("/accounts/factors/ask/", {"code": code()})

    assert done.headers["Location"] == "/"


def test_signing_out_never_leads_to_another_site(client, staff):
    client.force_login(staff("tracer"))

    assert client.post("/accounts/logout/", {"next": "https://evil.example/"}).headers["Location"] == "/accounts/login/"


def test_there_is_no_sign_up_and_no_reset_by_mail(client):
    for page in ("signup", "email", "password/reset", "password/set", "confirm-email", "login/code"):
        assert client.get(f"/accounts/{page}/").status_code == 404, page


def test_simulated_accounts_open_in_a_demonstration_only(client, settings):
    settings.EPIPOLIS_DEMO = True
    ((_name, _role, password, _secret), *_rest) = accounts.make_demo_accounts(at=clock.now())
    settings.EPIPOLIS_DEMO = False

    answer = give_password(client, "tracer", password)

    assert answer.headers["Location"] == "/accounts/inactive/"
    with pytest.raises(ValueError, match="demonstration"):
        accounts.make_demo_accounts(at=clock.now())


def test_a_demonstration_signs_in_with_one_click_and_only_from_this_machine(client, settings):
    settings.EPIPOLIS_DEMO = True
    made = accounts.make_demo_accounts(at=clock.now())
    page = client.get("/accounts/login/").content.decode()

    far = Client(REMOTE_ADDR="203.0.113.5").post("/accounts/demonstration/tracer/")
    proxied = Client(headers={"x-forwarded-for": "127.0.0.1"}).post("/accounts/demonstration/tracer/")
    here = client.post("/accounts/demonstration/tracer/")

    assert "Demonstration only" in page
    assert (far.status_code, proxied.status_code) == (403, 403)
    assert here.headers["Location"] == "/"
    assert client.get("/accounts/me/").status_code == 200
    assert [username for username, _role, _password, _secret in made] == list(accounts.ROLES)
    assert accounts.make_demo_accounts(at=clock.now()) == made
    assert client.get("/accounts/demonstration/tracer/").status_code == 405


def test_outside_a_demonstration_the_one_click_door_does_not_exist(client, settings, staff):
    settings.EPIPOLIS_DEMO = True
    accounts.make_demo_accounts(at=clock.now())
    staff("tracer", name="real")
    inside = client.post("/accounts/demonstration/real/").status_code
    settings.EPIPOLIS_DEMO = False

    assert inside == 404
    assert client.post("/accounts/demonstration/tracer/").status_code == 404
    assert "Demonstration only" not in client.get("/accounts/login/").content.decode()


def test_the_printed_demonstration_password_and_secret_sign_in_too(client, settings):
    settings.EPIPOLIS_DEMO = True
    _name, _role, password, secret = accounts.make_demo_accounts(at=clock.now())[0]

    give_password(client, "tracer", password)
    counter = next(yield_hotp_counters_from_time()) + 1
    client.post("/accounts/factors/ask/", {"code": format_hotp_value(hotp_value(secret, counter))})

    assert client.get("/accounts/me/").status_code == 200
    assert User.objects.get(username="tracer").simulated
