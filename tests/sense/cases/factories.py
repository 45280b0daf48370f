from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import uuid4

from epipolis.sense.cases import services
from epipolis.sense.people.models import Person

AT = datetime(2026, 3, 10, 8, tzinfo=UTC)
LATER = AT + timedelta(hours=3)
_numbers = count(1)


def somebody(**values):
    return Person.objects.create(id=uuid4(), known_at=AT, **values)


def case(*, at=AT, by="test", source="clinic", source_key="", disease="covid", simulated=False, **facts):
    facts = {"classification": "suspected", "reported": date(2026, 3, 9)} | facts
    return services.report_case(
        somebody().id,
        facts,
        disease=disease,
        source=source,
        source_key=source_key or f"N{next(_numbers)}",
        by=by,
        at=at,
        simulated=simulated,
    )
