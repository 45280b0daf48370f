"""The platform's one API: each module that is switched on adds its router; problems have one shape (RFC 9457)."""

from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from epipolis.core.access import SignedIn
from epipolis.core.models import DeviceToken, User
from epipolis.core.modules import modules, packages
from epipolis.core.problems import ProblemError, problem_response
from epipolis.core.roles import declared_permissions


class Me(Schema):
    """Who calls, and what they may do."""

    name: str
    kind: str
    roles: list[str]
    permissions: list[str]
    expires: datetime | None = None


router = Router(tags=["core"])


@router.get("me", auth=SignedIn(), response=Me)
def me(request: HttpRequest) -> Me:
    """Who am I, and what may I do?"""
    caller: User | DeviceToken = getattr(request, "auth")  # noqa: B009 -- requests have no such attribute for the type checker
    if isinstance(caller, DeviceToken):
        return Me(name=caller.name, kind="device", roles=[], permissions=caller.scopes, expires=caller.expires)
    allowed = [name for name in declared_permissions() if caller.has_perm(name)]
    return Me(name=caller.username, kind="person", roles=caller.role_names, permissions=allowed)


@cache
def make_api() -> NinjaAPI:
    """The API with every module's router under `/api/v1/<module>/`."""
    api = NinjaAPI(title="epipolis", version="1", urls_namespace="api", docs_url="/docs")
    for kind, answer in _ANSWERS.items():
        api.add_exception_handler(kind, answer)
    api.add_router("", router)
    for name, module in modules().items():
        if module.api:
            file, _, attribute = module.api.partition(".")
            api.add_router(f"/{name}/", getattr(import_module(f"{packages()[name]}.{file}"), attribute))
    return api


def _on_problem(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(error.status, error.code, error.detail, error.errors)


def _on_validation(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [
        {"field": ".".join(str(part) for part in item["loc"] if part not in ("body", "data")), "rule": item["msg"]}
        for item in error.errors
    ]
    return problem_response(422, "invalid", "Some fields break a rule; nothing was stored.", errors)


def _on_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(error.status_code, "refused", str(error))


_ANSWERS: dict[type[Exception], Any] = {
    ProblemError: _on_problem,
    ValidationError: _on_validation,
    HttpError: _on_http_error,
    AuthenticationError: lambda request, error: problem_response(401, "sign_in", "Sign in, or send a device token."),
    PermissionDenied: lambda request, error: problem_response(403, "not_allowed", "You may not do this."),
    Http404: lambda request, error: problem_response(404, "not_found", "There is no such thing here."),
    DataError: lambda request, error: problem_response(422, "invalid", "A value is outside what can be stored."),
    OperationalError: lambda request, error: problem_response(503, "database", "The database is away; try again."),
    InterfaceError: lambda request, error: problem_response(503, "database", "The database is away; try again."),
}
