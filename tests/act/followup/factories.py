"""People who met cases."""

from datetime import date, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from epipolis.act.followup import services
from epipolis.act.followup.models import FollowUp
from epipolis.act.followup.services import NewExposure
from epipolis.sense.cases.models import Case
from epipolis.sense.people.models import Person
from tests.understand.tracing.factories import NOW, case, link, local, meeting, person, place, visit

__all__ = ["NOW", "case", "exposed", "link", "local", "meeting", "person", "place", "told", "tracer", "visit"]

_numbers = count(1)


def told(who: Person | None = None, source: Case | None = None, **facts: Any) -> NewExposure:
    """What an interview says of somebody; by default they met the case on 15 March 2021."""
    source = source or case()
    values = {"last_contact": date(2021, 3, 15), "origin": "interview", "risk": "high"} | facts
    values.setdefault("reference", f"test:{next(_numbers)}")
    if who is None and "visitor" not in values:
        values["visitor"] = uuid4()
    return NewExposure(case=source.id, disease=source.disease, person=who.id if who else None, **values)


def exposed(who: Person | None = None, source: Case | None = None, *, at: datetime = NOW, **facts: Any) -> FollowUp:
    """Somebody under follow-up."""
    return services.add_exposure(told(who or person(), source, **facts), by="test", at=at)


def tracer(django_user_model: Any, name: str = "tina", **fields: Any) -> Any:
    return django_user_model.objects.create_user(name, **fields)
