"""How long messages are kept, and what goes at once."""

from datetime import timedelta

import pytest

from epipolis.act.notices import services
from epipolis.act.notices.models import Inbound, Notice, Preference
from epipolis.core import retention
from epipolis.sense.people.services import erase_person

from .factories import NOW, notice, person
from .test_broadcasts import areas, out, warned  # noqa: F401 -- a fixture
from .test_outbox import play

pytestmark = pytest.mark.django_db


def test_texts_go_after_their_time_and_that_it_was_sent_stays_longer():
    row = play(notice())
    retention.enforce(at=NOW + timedelta(days=89))
    row.refresh_from_db()
    assert row.body

    retention.enforce(at=NOW + timedelta(days=91))

    row.refresh_from_db()
    assert (bytes(row.body), bytes(row.to), bytes(row.values), row.to_hash, row.state) == (b"", b"", b"", "", "delivered")
    retention.enforce(at=NOW + timedelta(days=1_096))
    assert not Notice.objects.exists()


def test_of_somebody_who_was_erased_everything_goes_at_once_and_nothing_leaves():
    ana = person()
    done = play(notice(ana))
    services.answer_from_phone(done.to_hash, "sms", "hello", at=NOW)
    services.prefer(ana, channels=["sms"], by="test", at=NOW)
    waiting = notice(ana, not_before=NOW + timedelta(hours=5))
    other = notice()
    erase_person(ana, by="test", at=NOW, reason="asked for it")

    retention.enforce(at=NOW + timedelta(hours=1))

    for row in (done, waiting, other):
        row.refresh_from_db()
    assert (bytes(done.body), bytes(waiting.body), waiting.state) == (b"", b"", "stopped")
    assert other.body
    assert not Inbound.objects.exists()
    assert not Preference.objects.exists()


def test_a_warning_that_was_changed_is_forgotten_before_the_one_that_changed_it(areas, staff):  # noqa: F811 -- the fixture
    old = out(areas, staff)
    told = warned(districts=tuple(old.districts), replaces=old.id)
    new = services.draft_broadcast(told, by=staff("commander", name="three"), at=NOW + timedelta(minutes=5))

    with_what_is_left = services.forget_notices(NOW + timedelta(minutes=1), NOW + timedelta(days=1_096))

    new.refresh_from_db()
    assert (with_what_is_left, new.replaces_id) == (1, None)
    assert services.forget_notices(NOW + timedelta(days=1), NOW + timedelta(days=1_096)) == 1
