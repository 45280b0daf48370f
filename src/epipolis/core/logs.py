"""Logs: one JSON object a line, with identifiers and without names.

Exceptions are logged as their type and the places they passed: the messages of databases repeat the values of the row
that they refused, and those may be a person's.
"""

import json
import logging
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from epipolis.core.sealing import fingerprint

_request: ContextVar[str] = ContextVar("request", default="")
_user: ContextVar[str] = ContextVar("user", default="")
_DEEPEST = 4  # places in libraries that are shown, the innermost ones


class JsonLines(logging.Formatter):
    """time, level, logger, message, request (a random number a request), user (a keyed hash), error, where."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := _request.get():
            line["request"] = request
        if user := _user.get():
            line["user"] = user
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__qualname__
            line["where"] = _places(traceback.extract_tb(record.exc_info[2]))
        return json.dumps(line, ensure_ascii=False, default=str)


def _places(frames: traceback.StackSummary) -> list[str]:
    last = len(frames) - _DEEPEST
    shown = [frame for i, frame in enumerate(frames) if i >= last or "site-packages" not in frame.filename]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in shown]


class RequestNames:
    """Gives each request a number for the log, and names its account there by a hash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        number = token_hex(8)
        in_request, in_user = _request.set(number), _user.set("")
        try:
            response = self.get_response(request)
            response.headers.setdefault("X-Request-Id", number)
            return response
        finally:
            _request.reset(in_request)
            _user.reset(in_user)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.user.is_authenticated:
            _user.set(fingerprint(f"account {request.user.pk}")[:16])
