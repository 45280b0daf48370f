"""Access: who may call what. A permission is `module.verb`; a role is a group; a device has a token with scopes.

A person is let in by two things: the password and a second factor. A session that has shown the password alone is worth
nothing here but the way to the second one.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from hashlib import sha256
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from epipolis.core import audit, clock
from epipolis.core.models import DeviceToken, User
from epipolis.core.problems import ProblemError
from epipolis.core.roles import declared_permissions

View = Callable[..., HttpResponseBase]
SIGNED_IN = "signed_in"
SECOND_FACTOR = "second_factor"  # the key under which a session notes that its account has one
DEVICE_ROLES = ("kiosk", "partner")
_SEEN_EVERY = timedelta(minutes=1)


def needs(permission: str) -> Callable[[View], View]:
    """Let a page through only for people with this permission, kept as the attribute `needs`, which tests read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not request.user.has_perm(permission):
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        setattr(guarded, "needs", permission)  # noqa: B010 -- functions have no such attribute for the type checker
        return guarded

    return decorate


def public(view: View) -> View:
    """Say that a page is for everybody, on purpose (`needs` is empty)."""
    setattr(view, "needs", "")  # noqa: B010 -- functions have no such attribute for the type checker
    return view


def signed_in(view: View) -> View:
    """Let a page through for everybody who has signed in, whatever the role (`needs` is "signed_in")."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    setattr(guarded, "needs", SIGNED_IN)  # noqa: B010 -- functions have no such attribute for the type checker
    return guarded


def is_fully_signed_in(request: HttpRequest) -> bool:
    """Whether this session's account has shown its password and its second factor and has no password to change first."""
    return bool(request.user.is_authenticated and not request.user.must_change_password and request.session.get(SECOND_FACTOR))


def account_of_session(session_key: str) -> User | None:
    """The account that is fully signed in under a session cookie, for roads that do not pass Django's middleware."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    request.user = user
    return user if is_fully_signed_in(request) else None


class Needs(AuthBase):
    """An API endpoint's guard: a person with the permission, or a device whose token has it as a scope."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__()

    def __call__(self, request: HttpRequest) -> User | DeviceToken:
        header = request.headers.get("Authorization", "")
        if header:
            return self._device(header)
        if not request.user.is_authenticated:
            raise ProblemError(401, "sign_in", "Sign in, or send a device token.")
        if check_csrf(request):
            raise ProblemError(403, "csrf", "The request lacks this page's security token.")
        if not is_fully_signed_in(request):
            raise ProblemError(403, "second_factor", "Set up the second factor of this account first.")
        if self.permission and not request.user.has_perm(self.permission):
            raise ProblemError(403, "not_allowed", f"This needs the permission {self.permission}.")
        return request.user

    def _device(self, header: str) -> DeviceToken:
        device = device_of(header, at=clock.now())
        if device is None:
            raise ProblemError(401, "bad_token", "The device token is unknown, expired or revoked.")
        if self.permission and self.permission not in device.scopes:
            raise ProblemError(403, "not_allowed", f"This token lacks the scope {self.permission}.")
        return device


class SignedIn(Needs):
    """The guard of what every person and every device may ask, such as who they are."""

    def __init__(self) -> None:
        super().__init__("")


def device_of(header: str, *, at: datetime) -> DeviceToken | None:
    """The device whose valid token an Authorization header carries."""
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token:
        return None
    device = DeviceToken.objects.filter(token_hash=_hash(token)).first()
    if device is None or not device.is_valid(at):
        return None
    if device.last_used is None or not timedelta() <= at - device.last_used < _SEEN_EVERY:
        DeviceToken.objects.filter(id=device.id).update(last_used=at)
    return device


def all_tokens() -> QuerySet[DeviceToken]:
    """Every token ever issued, the newest first."""
    return DeviceToken.objects.select_related("issued_by").order_by("-issued", "-id")


def device_scopes(by: User | None) -> set[str]:
    """What tokens may be given: what devices do, and what the issuer may do; never the running of the platform itself.

    The platform itself (`by` None: the command line) may give any permission that a module declares.
    """
    scopes = {name for name in declared_permissions() if not name.startswith("core.")}
    if by is None:
        return scopes
    meant_for_devices = {name for name, can in declared_permissions().items() if set(DEVICE_ROLES) & set(can.roles)}
    return {scope for scope in scopes if scope in meant_for_devices or by.has_perm(scope)}


@transaction.atomic
def issue_token(
    name: str, scopes: list[str], *, by: User | None, at: datetime, days: int | None = None, simulated: bool = False
) -> tuple[DeviceToken, str]:
    """Make a device's token; the token itself is shown this once and kept nowhere.

    Raises:
        ValueError: there is no scope, or one that the issuer may not give.
    """
    if not scopes:
        raise ValueError("a token needs at least one scope")
    if refused := set(scopes) - device_scopes(by):
        raise ValueError(f"you may not give {', '.join(sorted(refused))} to a device")
    token = f"epi_{secrets.token_urlsafe(32)}"
    device = DeviceToken.objects.create(
        name=name,
        token_hash=_hash(token),
        scopes=sorted(scopes),
        issued_by=by,
        issued=at,
        expires=at + timedelta(days=days) if days else None,
        simulated=simulated,
    )
    audit.record("access.issue_token", by=by or "platform", at=at, subject=device.id, scopes=device.scopes)
    return device, token


@transaction.atomic
def revoke_token(device: DeviceToken, *, by: User, at: datetime) -> None:
    """Take a device's rights away from this moment."""
    DeviceToken.objects.filter(id=device.id, revoked=None).update(revoked=at)
    audit.record("access.revoke_token", by=by, at=at, subject=device.id)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
