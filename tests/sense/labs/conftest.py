import pytest

from epipolis.core import clock
from epipolis.sense.labs import services

from .messages import LAB, NOW


@pytest.fixture
def lab(db):
    return services.register_laboratory({"name": "Central", "code": LAB}, by="test", at=NOW)


@pytest.fixture
def send(lab, deliver_events):
    """Send a message and let everything happen that follows of it."""

    def sent(text, at=NOW, *, format="hl7", **known):
        raw = text.encode() if isinstance(text, str) else text
        with clock.fixed(at):
            message = services.receive(raw, format, by="test", at=at, **known)
            deliver_events()
        message.refresh_from_db()
        return message

    return sent
