"""Ways: by which channels somebody can be reached, in which order."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from epipolis.act.notices.models import Channel, Inbound, Preference, PushSubscription, StoppedAddress
from epipolis.act.notices.settings import settings
from epipolis.core.rules import RulePack
from epipolis.core.sealing import fingerprint, unseal
from epipolis.sense.people import queries as people
from epipolis.sense.people.queries import Reach

PREFERENCE_COLUMNS = ("person", "channels", "language", "stopped")
NOTHING = "-"  # in a file of preferences: as the rule says; an empty cell changes nothing
BY_PEOPLE = (Channel.VOICE, Channel.LETTER)  # a call list and pages to print
_BY_PHONE = (Channel.SMS, Channel.WHATSAPP, Channel.VOICE)


@dataclass(frozen=True, slots=True)
class Way:
    channel: str
    to: str

    @property
    def to_hash(self) -> str:
        return address_hash(self.channel, self.to)


def address_hash(channel: str, to: str) -> str:
    """The keyed hash of where something goes. Numbers are one, however they are written and whichever channel uses them."""
    return fingerprint(dialled(to) if channel in _BY_PHONE else to)


def is_ready(channel: str) -> bool:
    """Whether the city has this channel: its settings are there, or people carry it."""
    return {
        Channel.SMS: bool(settings.sms_url),
        Channel.EMAIL: bool(settings.smtp_host and settings.sender),
        Channel.WHATSAPP: bool(settings.whatsapp_number and settings.whatsapp_token),
        Channel.PUSH: bool(settings.push_contact),
    }.get(Channel(channel), True)


def preferences(person_ids: Collection[UUID]) -> dict[UUID, Preference]:
    """How each of these wants to be told: the newest word of all rows that are this person."""
    clusters = people.same_people(set(person_ids))
    members = {member for cluster in clusters.values() for member in cluster}
    held = {one.person_id: one for one in Preference.objects.filter(person__in=members)}
    found = {person: [held[one] for one in cluster if one in held] for person, cluster in clusters.items()}
    return {person: max(own, key=lambda one: one.changed) for person, own in found.items() if own}


def preference(person: UUID) -> Preference | None:
    return preferences([person]).get(person)


def preference_rows(at: datetime) -> Iterator[dict[str, str]]:
    """How people want to be told, in the form in which a file of it is taken in."""
    for one in Preference.objects.filter(person__erased=None).order_by("person").iterator(2_000):
        lists = {name: "; ".join(getattr(one, name)) or NOTHING for name in ("channels", "stopped")}
        yield {"person": str(one.person_id), "language": one.language or NOTHING, **lists}


def subscriptions(person_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    for one in PushSubscription.objects.filter(person__in=person_ids, gone=None).order_by("-id"):
        found.setdefault(one.person_id, []).append(unseal(one.endpoint))
    return found


def ways(
    person: UUID,
    reach: Reach,
    *,
    urgent: bool,
    pack: RulePack,
    chosen: Preference | None = None,
    pushes: Sequence[str] = (),
    only: Sequence[str] = (),
    sensible: Collection[str] = (),
) -> list[Way]:
    """The ways to somebody, the first one first, without what the person has stopped. Their own page shows everything
    anyway and is a way only where it was asked for.

    `only` are the channels that were asked for; `sensible` those that fit the message, empty for all. For somebody who was
    made up every channel is ready, for nothing of it leaves the platform.
    """
    order = only or (chosen.channels if chosen and chosen.channels else pack["urgent_order" if urgent else "order"])
    if sensible and not only:
        order = [one for one in order if one in sensible]
    stopped = set(chosen.stopped if chosen else ())
    addresses = {
        Channel.EMAIL: reach.emails,
        Channel.PUSH: tuple(pushes),
        Channel.LETTER: (reach.address,) if reach.address else (),
        Channel.IN_APP: (str(person),),
    }
    usable = [one for one in order if one in Channel.values and one not in stopped and (reach.simulated or is_ready(one))]
    return [Way(one, to) for one in usable for to in addresses.get(Channel(one), reach.phones)]


def stopped_among(pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (channel, hash of the address) do not want to be written to."""
    found = StoppedAddress.objects.filter(address_hash__in={hashed for _, hashed in pairs})
    return set(found.values_list("channel", "address_hash")) & set(pairs)


def open_windows(hashes: Collection[str], *, at: datetime, pack: RulePack) -> set[str]:
    """Which of these numbers wrote by WhatsApp within the hours in which one may answer freely."""
    if not hashes:
        return set()
    since = at - timedelta(hours=pack["window_hours"])
    found = Inbound.objects.filter(address_hash__in=hashes, channel=Channel.WHATSAPP, at__gt=since, at__lte=at)
    return set(found.values_list("address_hash", flat=True))


def dialled(number: str) -> str:
    """A number as it is dialled from anywhere, digits alone: 00886 912, +886 912 and, at home there, 0912 are one."""
    kept = "".join(one for one in number if one.isascii() and one.isdigit())
    if number.strip().startswith("+"):
        return kept
    if kept.startswith("00"):
        return kept[2:]
    return settings.country + kept[1:] if settings.country and kept.startswith("0") else kept
