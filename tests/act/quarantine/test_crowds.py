"""Drafts for many at once: the same as one by one, in a bounded number of statements."""

from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Order, OrderChange
from epipolis.core import rules
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people

from .factories import NOW, case, exposed, issued, person

pytestmark = pytest.mark.django_db
_COMPARED = ("person", "kind", "state", "disease", "household", "starts", "until", "standard_until", "is_earliest", "radius",
             "language", "district", "decision", "follow_up", "revision", "simulated", "asks")  # fmt: skip


def stored():
    orders = list(Order.objects.order_by("person", "id").values_list(*_COMPARED))
    return orders, sorted(OrderChange.objects.values_list("order__person", "kind", "after", "by"))


def people_of_every_kind():
    """Follow-ups of contacts of all kinds: fresh, at home with a case, long ago, low risk, twice, merged, ordered already."""
    source, flu, twice, first, second, known = case(), case(), person(), person(), person(), person()
    Case.objects.filter(id=flu.id).update(disease="flu")
    flu.refresh_from_db()
    issued(by="otto", row=services.draft_from_follow_up(exposed(known).id, by="test", at=NOW))
    people.merge_people(first.id, second.id, reason="the same passport", by="test", at=NOW)
    rows = [
        exposed(),
        exposed(source=source, origin="household"),
        exposed(last_contact=date(2021, 1, 5)),
        exposed(risk="low"),
        exposed(last_contact=None),
        exposed(twice),
        exposed(twice, flu),
        exposed(first),
        exposed(second, last_contact=date(2021, 3, 17)),
        exposed(known, last_contact=date(2021, 3, 19)),
    ]
    return sorted({row.id for row in rows})


def test_many_at_once_are_the_same_as_one_by_one():
    follow_ups = people_of_every_kind()
    with transaction.atomic():
        for one in follow_ups:
            services.draft_from_follow_up(one, by="test", at=NOW)
        expected = stored()
        transaction.set_rollback(True)

    services.draft_from_follow_ups(follow_ups, by="test", at=NOW)
    assert stored() == expected

    services.draft_from_follow_ups(follow_ups, by="test", at=NOW)
    assert stored() == expected


def test_a_hundred_contacts_cost_no_more_statements_than_ten():
    def statements(count):
        follow_ups = [exposed().id for _ in range(count)]
        with CaptureQueriesContext(connection) as seen, rules.read_once():
            services.draft_from_follow_ups(follow_ups, by="test", at=NOW)
        return len(seen)

    assert statements(100) <= statements(10) + 2
