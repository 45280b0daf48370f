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


def open_case(*, person=None, at=AT, disease="covid", source="desk", source_key="", by="test", **facts):
    """A case that nobody has classified: the rules decide about it."""
    person = person or somebody()
    facts = {"reported": date(2026, 3, 9)} | facts
    key = source_key or f"N{next(_numbers)}"
    return services.report_case(person.id, facts, disease=disease, source=source, source_key=key, by=by, at=at)


def finding(case, result="positive", *, at=LATER, kind="pcr", ref="", source="laboratory", by="test", **told):
    """A finding about a case, noted."""
    names = {"source": source, "source_ref": ref or f"L{next(_numbers)}", "kind": kind, "result": result}
    return services.note_test(case.id, **names, by=by, at=at, **told)


def merged(winner, loser):
    """Two people found to be one, as the rows of people tell it."""
    Person.objects.filter(id=loser.id).update(merged_into=winner.id)


def unmerged(loser):
    Person.objects.filter(id=loser.id).update(merged_into=None)
