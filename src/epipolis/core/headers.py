"""The headers that tell a browser what these pages may do: only what comes from here, nothing framed, nothing kept."""

import secrets
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'nonce-{nonce}'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
_PERMISSIONS = ", ".join(
    (
        "camera=(self)",  # a kiosk reads codes
        "geolocation=(self)",
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
        "microphone=()",
        "payment=()",
        "usb=()",
        "browsing-topics=()",
    )
)


class LastSlash(CommonMiddleware):
    """Sends an address without its last slash on to the one with it, body and all; as delivered a POST becomes a GET."""

    response_redirect_class = partial(HttpResponsePermanentRedirect, preserve_request=True)


class SecurityHeaders:
    """Sets the content security policy, with one nonce a request (`request.csp_nonce`), and its companions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        nonce = secrets.token_urlsafe(16)
        setattr(request, "csp_nonce", nonce)  # noqa: B010 -- requests have no such attribute for the type checker
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce))
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if is_private(request):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def is_private(request: HttpRequest) -> bool:
    """Whether an answer is for one person or device alone, so that no cache may keep it."""
    return (
        settings.SESSION_COOKIE_NAME in request.COOKIES
        or "Authorization" in request.headers
        or request.path.startswith(("/api/", "/accounts/"))
    )
