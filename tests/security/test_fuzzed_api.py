"""The API as its own description says it: whatever fits the description, and much that nearly does, gets an answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation.modes import GenerationMode

from epipolis.core.api import make_api
from tests.security.surface import escaped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everything_is_known")]
_EXAMPLES = 2  # of each operation and of each way of making them
_REFUSALS = {400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429}
_NOT_SENT = {"content-type", "content-length", "cookie", "host"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return json.loads(json.dumps(make_api().get_openapi_schema(path_prefix="/api/v1/"), default=str))


def _operations(described: dict[str, Any]) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        yield found.ok()


def _address(case: Any) -> str:
    path = case.formatted_path
    parts = []
    for name, value in (case.query or {}).items():
        for one in value if isinstance(value, list) else [value]:
            parts.append(f"{escaped(name)}={escaped(str(one).encode('utf-8', 'replace').decode())}")
    return f"{path}?{'&'.join(parts)}" if parts else path


def _content(case: Any) -> tuple[bytes, str]:
    kind = case.media_type or "application/json"
    if isinstance(case.body, bytes):
        return case.body, kind
    if type(case.body).__name__ == "NotSet":
        return b"", kind
    if kind != "application/json" and isinstance(case.body, str):
        return case.body.encode("utf-8", "replace"), kind
    return json.dumps(case.body, default=str).encode(), kind


def _wrong(answer: Any, declared: set[str]) -> str:
    """What is wrong with an answer: a failure of ours, or a status that nobody declared and that is no plain refusal."""
    if answer.status_code >= 500:
        return "fails"
    if answer.status_code in _REFUSALS:
        is_problem = answer["Content-Type"].startswith("application/problem+json")
        # An address that fits no operation at all is answered before the API sees it.
        return "" if is_problem or answer.status_code in (404, 405) else "is no problem report"
    return "" if str(answer.status_code) in declared or answer.status_code in (301, 302) else "is not declared"


def _tried(ask: Any, operation: Any, mode: GenerationMode, declared: set[str], number: int) -> list[Any]:
    """What was wrong with the answers of one operation."""
    wrong = []

    @seed(number)
    @settings(
        max_examples=_EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def try_it(case: Any) -> None:
        content, kind = _content(case)
        headers = {
            name: str(value).encode("utf-8", "replace").decode("latin-1")[:2_000]
            for name, value in (case.headers or {}).items()
            if name.lower() not in _NOT_SENT
        }
        answer = ask("everything", operation.method.upper(), _address(case), content, content_type=kind, headers=headers)
        if fault := _wrong(answer, declared):
            wrong.append((operation.label, answer.status_code, fault, _address(case)[:200], content[:200]))

    try_it()
    return wrong


def _can_be_wrong(operation: Any) -> bool:
    """Whether an operation has a parameter or a body; without them nothing can be told wrongly."""
    parts = (operation.path_parameters, operation.query, operation.headers, operation.cookies, operation.body)
    return any(len(list(part)) for part in parts)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_whatever_is_made_of_the_description_gets_a_declared_answer(ask, described, mode):
    wrong, tried = [], 0

    for number, operation in enumerate(_operations(described)):
        if mode.is_positive or _can_be_wrong(operation):
            declared = set(described["paths"][operation.path][operation.method]["responses"])
            wrong += _tried(ask, operation, mode, declared, number)
            tried += 1

    assert tried > 50
    assert not wrong, "\n".join(map(str, wrong[:20]))
