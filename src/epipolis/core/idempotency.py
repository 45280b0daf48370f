"""Requests that may be sent twice: a POST with an Idempotency-Key is done once, and its repeats get the same answer.

    @router.post("", auth=Needs("cases.report"), response={201: CaseOut})
    @once
    def report(request, body: CaseIn): ...

The row that remembers the answer is written in the transaction of the change itself, so either both exist or neither.
A repeat that arrives while the first is under way waits for it. Answers of 500 and more are not remembered.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from hashlib import sha256
from typing import Any, TypeVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja.decorators import decorate_view

from epipolis.core import clock
from epipolis.core.models import DeviceToken, SentOnce, User
from epipolis.core.problems import problem_response

V = TypeVar("V", bound=Callable[..., Any])
HEADER = "Idempotency-Key"
KEEP_DAYS = 2
_LONGEST = 200


class _UndoError(Exception):
    """Takes the refused request's writes back."""


class _NotRememberedError(Exception):
    """Takes the note of the request back as well, so that it may be tried again."""


def once(view: V) -> V:
    """Honour the Idempotency-Key header of this operation; requests without one are done as they come."""
    return decorate_view(_remember)(view)


def forget(*, before: datetime, at: datetime) -> int:
    """Erase remembered answers older than `before`; return how many."""
    rows, _kinds = SentOnce.objects.filter(at__lt=before).delete()
    return rows


def _remember(run: Any) -> Callable[..., HttpResponse]:
    operation = run.__self__

    @wraps(run)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        key = request.headers.get(HEADER)
        if key is None:
            return run(request, **kwargs)
        if not (1 <= len(key) <= _LONGEST and key.isascii() and key.isprintable()):
            return problem_response(400, "bad_key", f"{HEADER} must be 1 to {_LONGEST} printable ASCII characters.")
        # The caller is known only after the operation's own checks; `run` repeats them, for one look-up more.
        refused: HttpResponse | None = operation._run_checks(request)
        if refused is not None:
            return refused
        return _once(request, key, lambda: run(request, **kwargs))

    return guarded


def _once(request: HttpRequest, key: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    sender, digest = _sender(request), _digest(request)
    response: HttpResponse | None = None
    try:
        with transaction.atomic():
            note = SentOnce(sender=sender, key=key, request_digest=digest, at=clock.now())
            if not _is_first(note):
                return _repeat(SentOnce.objects.get(sender=sender, key=key), digest)
            response = _run_undoing_refusals(run)
            if response.status_code >= 500:
                raise _NotRememberedError
            body = json.loads(response.content) if response.content else None
            SentOnce.objects.filter(sender=sender, key=key).update(status=response.status_code, body=body)
    except _NotRememberedError:
        pass
    assert response is not None  # noqa: S101 -- only a response raises _NotRememberedError
    return response


def _is_first(note: SentOnce) -> bool:
    """Whether this request is the first with its key; waits while another one with the same key is under way."""
    SentOnce.objects.bulk_create([note], ignore_conflicts=True)
    mine = SentOnce.objects.select_for_update().get(sender=note.sender, key=note.key)
    return mine.status is None


def _run_undoing_refusals(run: Callable[[], HttpResponse]) -> HttpResponse:
    response: HttpResponse | None = None
    try:
        with transaction.atomic():
            response = run()
            if response.status_code >= 400:
                raise _UndoError
    except _UndoError:
        pass
    assert response is not None  # noqa: S101 -- only a response raises _UndoError
    return response


def _repeat(first: SentOnce, digest: str) -> HttpResponse:
    if first.request_digest != digest:
        return problem_response(422, "key_reused", f"This {HEADER} was sent before with another request.")
    kind = "application/problem+json" if (first.status or 0) >= 400 else "application/json; charset=utf-8"
    content = "" if first.body is None else json.dumps(first.body)
    return HttpResponse(content, status=first.status or 200, content_type=kind, headers={"Idempotency-Replayed": "true"})


def _sender(request: HttpRequest) -> str:
    caller = getattr(request, "auth", None)
    if isinstance(caller, User):
        return f"user:{caller.pk}"
    if isinstance(caller, DeviceToken):
        return f"device:{caller.pk}"
    return f"public:{sha256(str(request.META.get('REMOTE_ADDR', '')).encode()).hexdigest()[:32]}"


def _digest(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()} {request.content_type}\n"
    return sha256(head.encode() + request.body).hexdigest()
