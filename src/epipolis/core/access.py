"""Access: who may call what. A permission is `module.verb`; a role is a group; a device has a token with scopes."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from hashlib import sha256
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from epipolis.core import audit, clock
from epipolis.core.models import DeviceToken, User
from epipolis.core.problems import ProblemError

View = Callable[..., HttpResponseBase]
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
        if not request.user.has_perm(self.permission):
            raise ProblemError(403, "not_allowed", f"This needs the permission {self.permission}.")
        return request.user

    def _device(self, header: str) -> DeviceToken:
        device = device_of(header, at=clock.now())
        if device is None:
            raise ProblemError(401, "bad_token", "The device token is unknown, expired or revoked.")
        if self.permission not in device.scopes:
            raise ProblemError(403, "not_allowed", f"This token lacks the scope {self.permission}.")
        return device


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


@transaction.atomic
def issue_token(
    name: str, scopes: list[str], *, by: User | None, at: datetime, days: int | None = None, simulated: bool = False
) -> tuple[DeviceToken, str]:
    """Make a device's token; the token itself is shown this once and kept nowhere.

    Raises:
        ValueError: a scope is no permission, or the issuer lacks it.
    """
    for scope in scopes:
        if by is not None and not by.has_perm(scope):
            raise ValueError(f"you do not have {scope} yourself")
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
