"""One account for each role and one device for each permission; every request is undone after it was answered."""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from copy import copy
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from epipolis.core import access, clock
from epipolis.core.models import DeviceToken
from epipolis.core.modules import ROLES
from epipolis.core.roles import declared_permissions


class _Handler(ClientHandler):
    """Answers as the platform does; where somebody is `known`, it asks the database no more who they are and what they may."""

    known: Any = None

    def get_response(self, request: Any) -> Any:
        if self.known is not None:
            request._cached_user = copy(self.known)
        return super().get_response(request)


_HANDLERS = {enforce: _Handler(enforce) for enforce in (False, True)}  # one each: they load all middleware


@pytest.fixture
def people(staff) -> dict[str, Any]:
    """Role → account; `everything` has all roles."""
    found = {role: staff(role) for role in ROLES}
    return found | {"everything": staff(*ROLES, name="everything")}


@pytest.fixture
def may(people) -> Callable[[str], set[str]]:
    """Role → the permissions of its account."""

    def permissions(role: str) -> set[str]:
        user = get_user_model().objects.get(pk=people[role].pk)
        return {name for name in declared_permissions() if user.has_perm(name)}

    return permissions


@pytest.fixture
def cookies(people) -> dict[str, str]:
    """Role → the cookie of a session that is fully signed in."""
    found = {}
    for role, user in people.items():
        client = Client()
        client.force_login(user)
        found[role] = client.cookies["sessionid"].value
    return found


@pytest.fixture
def tokens() -> dict[str, str]:
    """Permission → a device's token that has it and no other."""
    at = clock.now()
    names = [name for name in declared_permissions() if not name.startswith("core.")]
    found = {name: access.issue_token(name, [name], by=None, at=at)[1] for name in names}
    DeviceToken.objects.update(last_used=at)  # else each use would be its first, and noted
    return found


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of refusals would be logged one by one, which takes longer than the refusing."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def everything_is_known(people, cookies, monkeypatch) -> Iterator[None]:
    """For tests of what is sent, whoever sends it: the account with all roles is read once, not at each of its requests."""
    user = get_user_model().objects.get(pk=people["everything"].pk)
    assert user.get_all_permissions()  # which the account keeps
    session, load = Session.objects.get(pk=cookies["everything"]), SessionStore._get_session_from_db
    monkeypatch.setattr(
        SessionStore, "_get_session_from_db", lambda own: session if own.session_key == session.pk else load(own)
    )
    _HANDLERS[False].known = user
    yield
    _HANDLERS[False].known = None


@pytest.fixture
def ask(cookies, quiet) -> Callable[..., Any]:
    """Send one request as a role (or nobody) and undo whatever it did to the database; a refusal has nothing to undo."""

    def send(
        role: str | None,
        method: str,
        address: str,
        data: Any = None,
        *,
        enforce_csrf: bool = False,
        undo: bool = True,
        **extra: Any,
    ):
        client = Client(raise_request_exception=False)
        client.handler = _HANDLERS[enforce_csrf]
        if role is not None:
            client.cookies["sessionid"] = cookies[role]
        with transaction.atomic() if undo else nullcontext():
            response = (
                client.generic(method, address, data or b"", **extra)
                if not isinstance(data, dict)
                else getattr(client, method.lower())(address, data, **extra)
            )
            if response.streaming:
                b"".join(response.streaming_content)
            if undo:
                transaction.set_rollback(True)
        return response

    return send
