"""Long lists in pieces."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from epipolis.core.models import AuditEntry
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def entries():
    """Nine entries, three at each moment, so that the moment alone does not tell them apart."""
    return [AuditEntry.objects.create(at=AT + timedelta(microseconds=n // 3), actor=f"a{n}", action="x.y") for n in range(9)]


def walk(limit: int, key: tuple[str, ...], queryset=None) -> list[list[str]]:
    cursor, pieces = None, []
    while True:
        page = page_of(AuditEntry.objects.all() if queryset is None else queryset, cursor, limit, key)
        pieces.append([row["actor"] if isinstance(row, dict) else row.actor for row in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return pieces


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9, 10])
@pytest.mark.parametrize("key", [("at", "id"), ("-at", "-id"), ("-at", "id")])
def test_the_pieces_together_are_the_list(entries, limit, key):
    pieces = walk(limit, key)

    assert list(chain(*pieces)) == [entry.actor for entry in AuditEntry.objects.order_by(*key)]
    assert {len(piece) for piece in pieces[:-1]} <= {limit}
    assert len(pieces) == -(-9 // limit)


def test_rows_of_values_work_as_well(entries):
    assert list(chain(*walk(4, ("at", "id"), AuditEntry.objects.values("at", "id", "actor")))) == [f"a{n}" for n in range(9)]


def test_one_field_may_be_named_alone(entries):
    page = page_of(AuditEntry.objects.all(), None, 4, "id")

    assert [row.actor for row in page_of(AuditEntry.objects.all(), page["next"], 100, "id")["items"]] == [
        f"a{n}" for n in range(4, 9)
    ]


def test_rows_added_meanwhile_shift_nothing(entries):
    first = page_of(AuditEntry.objects.all(), None, 4, ("-at", "-id"))
    AuditEntry.objects.create(at=AT + timedelta(days=1), actor="new", action="x.y")

    second = page_of(AuditEntry.objects.all(), first["next"], 10, ("-at", "-id"))

    assert [row.actor for row in first["items"] + second["items"]] == [f"a{n}" for n in range(8, -1, -1)]


def test_an_empty_list_has_no_next_piece():
    assert page_of(AuditEntry.objects.all(), None, 10, ("at", "id")) == {"items": [], "next": None}


@pytest.mark.parametrize("limit", [0, -5])
def test_a_piece_holds_at_least_one_row(entries, limit):
    assert len(page_of(AuditEntry.objects.all(), None, limit, ("at", "id"))["items"]) == 1


def forged(*content) -> str:
    return signing.dumps(content, salt="epipolis.pages", compress=True)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "\0",
        "ü",
        "a:b:c",
        "e" * 10_000,
        lambda: signing.dumps([["at", "id"], ["2026-01-01", "1"]], salt="other"),
        lambda: forged(["id"], ["1"]),
        lambda: forged(["at", "id"], ["yesterday", "1"]),
        lambda: forged(["at", "id"], ["2026-01-01T00:00:00Z"]),
        lambda: signing.dumps(7, salt="epipolis.pages"),
    ],
)
def test_a_cursor_that_was_not_made_here_is_a_problem(entries, cursor):
    with pytest.raises(ProblemError) as problem:
        page_of(AuditEntry.objects.all(), cursor if isinstance(cursor, str) else cursor(), 10, ("at", "id"))

    assert (problem.value.status, problem.value.code) == (422, "bad_cursor")


def test_a_piece_is_one_query_that_an_index_can_answer(entries):
    first = page_of(AuditEntry.objects.all(), None, 4, ("id",))

    with CaptureQueriesContext(connection) as queries:
        page_of(AuditEntry.objects.all(), first["next"], 4, ("id",))

    assert len(queries) == 1
    assert "OFFSET" not in queries[0]["sql"]
