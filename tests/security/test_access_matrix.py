"""Who reaches what: every page and every operation, by every role, by nobody, and by every device."""

import pytest

from epipolis.core import stream
from epipolis.core.access import SIGNED_IN, account_of_session
from epipolis.core.modules import ROLES, modules
from epipolis.core.roles import declared_permissions
from tests.security.surface import API, UNDECLARED, operations, pages, permitted

pytestmark = pytest.mark.django_db

PUBLIC_OPERATIONS: dict[str, str] = {
    "GET /api/v1/situation/public": "the city's published figures, with small counts withheld",
    "POST /api/v1/transfers/exchange": "each request is signed by the compared key of a partner office, once and for now",
    "POST /api/v1/notices/reports/{provider}": "each report is signed by its provider, and taken once",
    "GET /api/v1/notices/reports/{provider}": "WhatsApp asks once with the agreed word whether the address is ours",
    "GET /api/v1/notices/alerts/{broadcast_id}": "warnings are for everybody, and only those that went out",
    "POST /api/v1/quarantine/phones/positions": "the secret of an enrolled phone stands in each row and speaks for it alone",
    "GET /api/v1/people/mine": "the return code in its header opens one record; wrong ones are counted and lock it",
}
NOBODY_IS_SENT_TO = "/accounts/login/"
REFUSED = (401, 403)


def test_the_surface_is_found():
    assert len(pages()) > 40
    assert {page.name for page in pages()} >= {"home", "health", "account_login", "staff", "audit"}
    assert "me" in {operation.path.removeprefix(API) for operation in operations()}


def test_every_page_says_whom_it_is_for():
    known = {"", SIGNED_IN, *declared_permissions()}

    undeclared = [f"{page.name}: {page.needs}" for page in pages() if page.needs not in known]

    assert not undeclared, f"decorate these with @needs, @signed_in or @public: {undeclared} ({UNDECLARED})"


def test_every_operation_has_a_guard_or_a_reason():
    bare = {f"{one.method} {one.path}" for one in operations() if one.needs is None}
    unknown = {one.needs for one in operations()} - {None, SIGNED_IN, *declared_permissions()}

    assert bare == set(PUBLIC_OPERATIONS)
    assert not unknown, f"no module declares {unknown}"


def test_nobody_is_sent_to_the_sign_in_page(ask):
    wrong = []

    for page in pages():
        for method in ("GET", "POST"):
            answer = ask(None, method, page.address, {})
            if page.needs == "":
                if answer.status_code in REFUSED or answer.status_code >= 500:
                    wrong.append((method, page.address, answer.status_code))
            elif answer.status_code != 405 and not (
                answer.status_code == 302 and answer.headers["Location"].startswith(NOBODY_IS_SENT_TO)
            ):
                wrong.append((method, page.address, answer.status_code))

    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_the_pages_of_its_permissions_and_no_other(ask, may, role):
    wrong, has = [], may(role)

    for page in pages():
        allowed = permitted(page.needs, has)
        answers = {method: ask(role, method, page.address, {}, undo=allowed) for method in ("GET", "POST")}
        codes = {method: answer.status_code for method, answer in answers.items()}
        if allowed:
            is_right = all(code not in REFUSED and code < 500 for code in codes.values())
            is_right = is_right and not any(
                answer.headers.get("Location", "").startswith(NOBODY_IS_SENT_TO)
                for answer in answers.values()
                if page.name not in ("account_logout", "mfa_authenticate", "mfa_login_webauthn")
            )
        else:
            is_right = set(codes.values()) <= {403, 405} and 403 in codes.values()
        if not is_right:
            wrong.append((page.name, page.needs, page.address, codes))

    assert not wrong, f"{role}: {wrong}"


@pytest.mark.parametrize("role", [*ROLES, None])
def test_a_role_calls_the_operations_of_its_permissions_and_no_other(ask, may, role):
    wrong, has = [], may(role) if role else set()

    for one in operations():
        allowed = one.needs is None or (role and permitted(one.needs, has))
        code = ask(role, one.method, one.address, b"{}", content_type="application/json", undo=allowed).status_code
        is_right = code not in REFUSED and code < 500 if allowed else code == (403 if role else 401)
        if not is_right:
            wrong.append((one.method, one.address, one.needs, code))

    assert not wrong, f"{role}: {wrong}"


def test_a_device_calls_the_operations_of_its_scopes_and_no_other(ask, tokens):
    wrong = []

    for scope, token in tokens.items():
        for one in operations():
            allowed = permitted(one.needs, {scope})
            headers = {"authorization": f"Bearer {token}"}
            code = ask(
                None, one.method, one.address, b"{}", content_type="application/json", headers=headers, undo=allowed
            ).status_code
            if (code in REFUSED) == allowed or code >= 500 or (not allowed and code != 403):
                wrong.append((scope, one.method, one.address, one.needs, code))

    assert not wrong


@pytest.mark.parametrize(
    "header", ["Bearer epi_wrong", "Bearer", "Bearer ", "Basic YTpi", "epi_wrong", "bearer \0", "Bearer ü"]
)
def test_a_wrong_token_is_refused_even_with_a_good_session(ask, header):
    for one in operations():
        answer = ask(
            "everything",
            one.method,
            one.address,
            b"{}",
            content_type="application/json",
            HTTP_AUTHORIZATION=header,
            undo=one.needs is None,
        )
        assert answer.status_code == 401 or one.needs is None, one


def test_a_device_opens_no_page(ask, tokens):
    headers = {"authorization": f"Bearer {next(iter(tokens.values()))}"}

    for page in pages():
        if page.needs:
            answer = ask(None, "GET", page.address, headers=headers)
            assert answer.status_code in (302, 405), page
            assert answer.status_code == 405 or answer.headers["Location"].startswith(NOBODY_IS_SENT_TO), page


def test_an_account_without_a_second_factor_opens_nothing(ask, cookies, staff):
    from django.test import Client

    client = Client()
    client.force_login(staff(*ROLES, name="half", second_factor=False))
    cookies["half"] = client.cookies["sessionid"].value
    way = {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_change_password"}
    way |= {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
    wrong = []

    for page in pages():
        if page.needs and page.name not in way:
            answer = ask("half", "GET", page.address)
            if answer.headers.get("Location") != "/accounts/factors/":
                wrong.append((page.address, answer.status_code))
    for one in operations():
        answer = ask("half", one.method, one.address, b"{}", content_type="application/json")
        if one.needs is not None and answer.status_code != 403:
            wrong.append((one.address, answer.status_code))

    assert not wrong


def test_the_live_stream_answers_those_with_its_permission_and_no_other(cookies, may, people):
    def hears(key: str) -> bool:
        user = account_of_session(key)
        return user is not None and user.has_perm(stream.PERMISSION)

    heard = {role for role, key in cookies.items() if hears(key)}

    assert heard == {role for role in people if stream.PERMISSION in may(role)}
    assert 0 < len(heard) < len(people)
    assert not hears("")
    assert not hears("x" * 32)


def test_the_fast_road_asks_for_the_same_permission_as_the_operation_beside_it():
    slow = {one.path.removeprefix(API): one.needs for one in operations() if one.method == "POST"}

    for module in modules().values():
        for intake in module.intakes:
            assert (slow.get(intake.path.strip("/"), intake.needs) or "") == intake.needs
            assert intake.needs in declared_permissions() or f"POST {API}{intake.path}" in PUBLIC_OPERATIONS


def test_pages_refuse_a_post_from_another_site(ask):
    wrong = []

    for page in pages():
        code = ask("everything", "POST", page.address, {}, enforce_csrf=True).status_code
        if code not in (403, 405):
            wrong.append((page.name, page.address, code))

    assert not wrong


def test_operations_refuse_a_post_from_another_site(ask):
    wrong = []

    for one in operations():
        answer = ask("everything", one.method, one.address, b"{}", content_type="application/json", enforce_csrf=True)
        if one.needs is not None and one.method not in ("GET", "HEAD") and answer.status_code != 403:
            wrong.append((one.method, one.address, answer.status_code))

    assert not wrong
