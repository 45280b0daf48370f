"""Drafts: by rule from cases and contacts, following the facts until somebody decides."""

from datetime import date, timedelta

import pytest

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Order, State
from epipolis.core import clock, rules

from .factories import NOW, drafted, exposed, issued, person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def again(row):
    row.refresh_from_db()
    return row


def test_a_contact_gets_a_draft_that_binds_nobody_and_explains_its_days(deliver_events):
    exposed()
    deliver_events(twice=True)

    row = Order.objects.get()
    assert (row.kind, row.state, row.starts, row.until) == ("quarantine", "draft", date(2021, 3, 16), date(2021, 3, 29))
    assert rules.explain(row.decision) == [
        "Until 2021-03-29 because the last contact was on 2021-03-15 and the rule quarantine WHO 2020-03-19 says 14 days,"
        " from 2021-03-16 on."
    ]


def test_a_new_exposure_extends_a_draft_and_the_latest_end_wins(deliver_events):
    who = person()
    exposed(who)
    deliver_events()
    exposed(who, last_contact=date(2021, 3, 19))
    exposed(who, last_contact=date(2021, 3, 12))
    deliver_events(twice=True)

    row = Order.objects.get()
    assert (row.until, row.starts) == (date(2021, 4, 2), date(2021, 3, 13))
    assert "The latest end of 3 contacts counts." in rules.explain(row.decision)


def test_a_new_exposure_of_somebody_under_an_order_asks_the_officer(deliver_events):
    who = person()
    row = issued(drafted(who=who))
    exposed(who, last_contact=date(2021, 3, 19))
    deliver_events(twice=True)

    assert (again(row).until, row.asks["kind"], row.asks["until"]) == (date(2021, 3, 29), "days", "2021-04-02")
    assert row.changes.filter(kind="asked").count() == 1


def test_lifting_ends_an_order_and_needs_a_reason():
    row = issued()
    with pytest.raises(services.OrderError, match="say why"):
        services.lift_order(row.id, reason=" ", by="otto", at=NOW)
    services.lift_order(row.id, reason="wrong person", by="otto", at=NOW)

    assert (again(row).state, rules.explain(row.end_reason)) == (State.LIFTED, ["Decided by a person: wrong person"])
