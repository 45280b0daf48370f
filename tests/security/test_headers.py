"""What browsers are told about every page, and what they are told to forget."""

import re

import pytest
from django.test import Client

from epipolis.core.api import make_api
from tests.golden import check_golden
from tests.security.surface import pages

pytestmark = pytest.mark.django_db
STRICT = {
    "default-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "img-src": "'self' data: blob:",
}


def _policy(answer) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))


def test_every_page_carries_the_policy_and_its_scripts_obey_it(ask):
    wrong = []

    for page in pages():
        answer = ask("everything", "GET", page.address)
        policy = _policy(answer)
        if not STRICT.items() <= policy.items() or "unsafe" in policy["script-src"] or "http" in policy["script-src"]:
            wrong.append((page.address, policy))
        if answer.headers["X-Content-Type-Options"] != "nosniff" or answer.headers["X-Frame-Options"] != "DENY":
            wrong.append((page.address, dict(answer.headers)))
        if answer.streaming or "text/html" not in answer.headers.get("Content-Type", ""):
            continue
        nonce = re.search(r"'nonce-([^']+)'", policy["script-src"])[1]
        text = answer.content.decode()
        for tag in re.findall(r"<script[^>]*>", text):
            is_data = re.search(r'type="application/(ld\+)?json"', tag)
            if not (is_data or re.search(r'src="/static/', tag) or f'nonce="{nonce}"' in tag):
                wrong.append((page.address, tag))
        if found := re.findall(r"""<[^>]*\s(on\w+)=["']""", text) + re.findall(
            r"""(?:href|src|action)=["']javascript:""", text
        ):
            wrong.append((page.address, found))
        if found := re.findall(r"""<(?:script|img|link|iframe)[^>]*\s(?:src|href)=["'](?:https?:)?//[^"']+""", text):
            wrong.append((page.address, found))

    assert not wrong


def test_no_nonce_is_used_twice():
    first, second = Client().get("/health/"), Client().get("/health/")

    assert _policy(first)["script-src"] != _policy(second)["script-src"]


def test_what_is_private_is_not_kept_by_any_cache(ask):
    wrong = []

    for page in pages():
        kept = ask("everything", "GET", page.address).headers.get("Cache-Control", "")
        if not ("no-store" in kept or (page.needs == "" and kept)):
            wrong.append((page.address, kept))

    assert not wrong


def test_features_that_no_page_uses_are_off():
    answer = Client().get("/health/")

    assert "microphone=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_the_api_is_described_as_it_was():
    """A change of the API is made on purpose: write the file anew with EPIPOLIS_GOLDEN=write and look at the difference."""
    check_golden("openapi.json", make_api().get_openapi_schema(path_prefix="/api/v1/"))


@pytest.mark.parametrize("page", ["/language/", "/theme/", "/accounts/login/", "/accounts/logout/"])
@pytest.mark.parametrize(
    "bad", ["https://evil.example/", "//evil.example", "/\\evil.example", "https:evil.example", "\thttps://evil.example"]
)
def test_no_page_leads_to_another_site(client, page, bad):
    for method in (client.get, client.post):
        answer = method(page, {"next": bad, "language": "es", "theme": "dark"}, headers={"referer": "https://evil.example/"})

        assert "evil.example" not in answer.headers.get("Location", "")
