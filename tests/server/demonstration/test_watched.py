"""The demonstration's people who are watched: orders and phones that say they are simulated, played through the real roads."""

from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Phone, Transition
from epipolis.core import clock
from epipolis.core.models import DeviceToken
from epipolis.engines import twin
from epipolis.server.demonstration import watched
from tests.act.followup.factories import exposed

DAY = date(2021, 3, 20)
NOON = datetime(2021, 3, 20, 4, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_drafts_become_simulated_watched_orders_whose_phones_are_followed():
    city = twin.build_city(500, seed=4)
    with clock.fixed(NOON):
        met = [exposed(at=NOON) for _ in range(5)]
        rows = [services.draft_from_follow_up(one.id, by="test", at=NOON) for one in met]
        people = [row.person_id for row in rows if row is not None]
        visitors = people + [None] * (city.people.num_rows - len(people))
        living = watched.Watched(city, visitors, seed=1, at=NOON)

        assert living.begin(DAY, NOON) == 5
        assert living.begin(DAY, NOON) == 5
        later = NOON + timedelta(hours=2)
        body = living.due(later)
        services.load_positions(body, "ndjson", by="test", at=later)
        living.sent(later)

    assert Phone.objects.filter(simulated=True, ended=None).count() == 5
    assert set(DeviceToken.objects.values_list("simulated", flat=True)) == {True}
    assert body.count(b"\n") > 60
    assert living.due(later) == b""
    assert Transition.objects.filter(after="inside").values("order").distinct().count() >= 4
    assert sum(queries.count_states().values()) == 5
