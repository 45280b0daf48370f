"""Many rows are changed by one statement, and only as told."""

from datetime import UTC, datetime

import pytest

from epipolis.core.models import TaskRun
from epipolis.core.rows import update_rows

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 9, 30, 15, 123456, UTC)


def runs(count):
    return [TaskRun.objects.create(task=f"task-{n}", title="t", arguments={}, asked=AT) for n in range(count)]


def test_each_row_gets_its_own_values_and_keeps_the_rest(staff, django_assert_num_queries):
    user, rows = staff("tracer"), runs(3)
    for number, row in enumerate(rows):
        row.done, row.result, row.finished, row.asked_by = number, {"text": 'a "b" ü\n%s', "n": [None, number]}, AT, user
        row.title = "is not among the columns"

    with django_assert_num_queries(1):
        update_rows(rows[1:], ("done", "result", "finished", "asked_by_id"))

    found = TaskRun.objects.order_by("task")
    assert [(row.done, row.finished, row.asked_by_id, row.title) for row in found] == [
        (0, None, None, "t"),
        (1, AT, user.id, "t"),
        (2, AT, user.id, "t"),
    ]
    assert found[2].result == {"text": 'a "b" ü\n%s', "n": [None, 2]}


def test_a_value_that_is_gone_is_emptied():
    [row] = runs(1)
    TaskRun.objects.update(finished=AT)
    row.finished = None

    update_rows([row], ("finished",))

    assert TaskRun.objects.get().finished is None


def test_no_rows_ask_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        update_rows([], ("done",))


def test_a_row_that_is_gone_is_not_brought_back():
    one, other = runs(2)
    TaskRun.objects.filter(id=one.id).delete()
    one.done = other.done = 5

    update_rows([one, other], ("done",))

    assert [(row.id, row.done) for row in TaskRun.objects.all()] == [(other.id, 5)]
