"""People who can be told something, and the message that tells them."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from epipolis.act.notices import services
from epipolis.act.notices.models import Notice
from epipolis.sense.people.services import find_or_make_person

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Taipei
NIGHT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 23:00
_numbers = count(1)


def person(**values) -> UUID:
    number = next(_numbers)
    given = {"given_name": "Ana", "family_name": "Torres", "phones": [f"0912 555 {number:03d}"], "simulated": True}
    return find_or_make_person([], **(given | values), by="test", at=NOW)[0].id


def notice(to: UUID | None = None, *, at: datetime = NOW, **values) -> Notice:
    asked = {"template": "message", "values": {"text": "Hello."}, "dedupe_key": f"key {next(_numbers)}", "about": ("test", "1")}
    made = services.send(to or person(), **(asked | values), by="test", at=at)
    assert made is not None
    return made
