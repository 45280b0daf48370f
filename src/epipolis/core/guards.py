"""Guards: what stands before every view, whatever the view itself asks for."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from epipolis.core.access import is_fully_signed_in

_ON_THE_WAY = frozenset(
    {
        "account_login",
        "account_logout",
        "account_change_password",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
    }
)


_SETTING_UP = frozenset({"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"})


class SecondFactorGuard:
    """Sends an account without a second factor, or with a temporary password, to put that right; nothing else opens.

    Pages for everybody stay open and see nobody signed in. The API guards itself (`access.Needs`), for devices do not
    come with a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponseBase | None:
        if request.path.startswith("/api/") or not request.user.is_authenticated or is_fully_signed_in(request):
            return None
        name = request.resolver_match.url_name if request.resolver_match else None
        temporary = request.user.must_change_password
        if name in _ON_THE_WAY - (_SETTING_UP if temporary else frozenset()):
            return None
        if getattr(view, "needs", None) == "" and name != "home":
            request.user = AnonymousUser()
            return None
        return HttpResponseRedirect(reverse("account_change_password" if temporary else "mfa_index"))
