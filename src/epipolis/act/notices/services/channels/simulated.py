"""A provider that reaches no real telephone, for people who were made up; it fails in every way in which real ones do.

It keeps what it took in a table of its own, in statements of their own, and tells later what became of it by the same
signed reports as a real gateway. The last digits of a number choose its fate; of other numbers one in twelve has one.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from epipolis.act.notices.models import SimulatedMessage
from epipolis.act.notices.queries import address_hash
from epipolis.core.sealing import seal

from .messages import Message, Outcome

NAME = "simulated"
BY_NUMBER = {
    "00001": "refused",
    "00002": "fails",
    "00003": "busy",
    "00004": "silent",
    "00005": "doubled",
    "00006": "disordered",
    "00007": "slow",
}
_BY_CHANCE = ("fails", "slow", "doubled", "disordered")
REPORTS = {
    "fine": ("sent", "delivered"),
    "fails": ("sent", "failed"),
    "returned": ("delayed", "failed"),  # of e-mail: as mails that come back, not as reports
    "busy": ("sent", "delivered"),
    "silent": (),
    "doubled": ("sent", "sent", "delivered", "delivered"),
    "disordered": ("delivered", "sent"),
    "slow": ("sent", "delivered"),
}
_FIRST, _SLOW = timedelta(seconds=2), timedelta(minutes=10)


class Simulated:
    """The provider of everybody who was made up, for every channel that needs one."""

    name = NAME
    is_idempotent = True

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        known = self._refs(messages)
        fates = {message.key: fate_of(message) for message in messages}
        fresh = [one for one in messages if one.key not in known and fates[one.key] != "refused"]
        SimulatedMessage.objects.bulk_create([_row(one, fates[one.key]) for one in fresh], ignore_conflicts=True)
        stored = known | self._refs(fresh)
        return [self._outcome(one, fates[one.key], one.key in known, stored) for one in messages]

    def _refs(self, messages: Sequence[Message]) -> dict[str, str]:
        keys = [one.key for one in messages]
        return dict(SimulatedMessage.objects.filter(key__in=keys).values_list("key", "ref"))

    def _outcome(self, message: Message, fate: str, is_known: bool, stored: dict[str, str]) -> Outcome:
        if fate == "refused":
            return Outcome("refused", text="no such number")
        if fate == "busy" and not is_known:
            return Outcome("unsure", text="The line was cut before the answer.")  # it was taken all the same
        return Outcome("accepted", ref=stored[message.key])


def fate_of(message: Message) -> str:
    """What becomes of every message to this address. Numbers with 555 and addresses of examples always work."""
    fate = _fate(message)
    return "returned" if fate == "fails" and message.channel == "email" else fate


def _fate(message: Message) -> str:
    digits = "".join(one for one in message.to if one.isdigit())
    if digits[-5:] in BY_NUMBER and message.channel != "push":
        return BY_NUMBER[digits[-5:]]
    if "555" in digits or ".example" in message.to or "@example." in message.to:
        return "fine"
    chance = sha256(message.to.encode()).digest()[0] % 48
    return _BY_CHANCE[chance] if chance < len(_BY_CHANCE) else "fine"


def _row(message: Message, fate: str) -> SimulatedMessage:
    wait = _SLOW if fate == "slow" else _FIRST
    return SimulatedMessage(
        key=message.key,
        ref=f"sim-{sha256(message.key.encode()).hexdigest()[:24]}",
        channel=message.channel,
        to=seal(message.to),
        to_hash=address_hash(message.channel, message.to),
        subject=seal(message.subject),
        body=seal(message.body),
        fate=fate,
        at=message.at,
        due=message.at + wait if REPORTS[fate] else None,
    )
