"""Problems: what an interface answers when it cannot do what was asked (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse


class ProblemError(Exception):
    """A request that cannot be done: a status, a short code for programs, a sentence for people, the fields at fault."""

    def __init__(self, status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors or []


def problem_body(status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    body = {
        "type": f"urn:epipolis:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return body | ({"errors": errors} if errors else {})


def problem_response(status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> JsonResponse:
    return JsonResponse(problem_body(status, code, detail, errors), status=status, content_type="application/problem+json")
