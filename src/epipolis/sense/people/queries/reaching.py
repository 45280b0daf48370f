"""How people are reached: numbers and addresses for the part of the platform that writes to them; each use leaves a trace."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from epipolis.core import audit
from epipolis.core.sealing import unseal
from epipolis.sense.people.models import ContactPoint, Person

from .clusters import same_people


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways to one person, of all rows that are this person; the first given comes first."""

    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address: str = ""
    language: str = ""
    simulated: bool = False


def reach(person_ids: Collection[UUID], *, by: audit.Actor, at: datetime, why: str) -> dict[UUID, Reach]:
    """The ways to these people; who is not known or was erased is left out. Each is written down for the person to see."""
    clusters = same_people(set(person_ids))
    members = {member for cluster in clusters.values() for member in cluster}
    found = Person.objects.filter(id__in=members, erased=None).values_list("id", "address", "language", "simulated")
    rows = {row[0]: row[1:] for row in found}
    points: dict[UUID, list[tuple[str, str]]] = {}
    for person, kind, value in (
        ContactPoint.objects.filter(person__in=rows).order_by("id").values_list("person", "kind", "value")
    ):
        points.setdefault(person, []).append((kind, unseal(value)))
    reached: dict[UUID, Reach] = {}
    for person in clusters:
        own = [member for member in clusters[person] if member in rows]
        if own:
            reached[person] = _together([rows[one] for one in own], [point for one in own for point in points.get(one, ())])
    audit.record_reads(list(reached), by=by, at=at, why=why)
    return reached


def _together(rows: list[tuple[bytes, str, bool]], points: list[tuple[str, str]]) -> Reach:
    return Reach(
        phones=tuple(dict.fromkeys(value for kind, value in points if kind == ContactPoint.Kind.PHONE)),
        emails=tuple(dict.fromkeys(value for kind, value in points if kind == ContactPoint.Kind.EMAIL)),
        address=next((text for address, _, _ in rows if (text := unseal(address))), ""),
        language=next((language for _, language, _ in rows if language), ""),
        simulated=any(simulated for _, _, simulated in rows),
    )


def residents(neighbourhoods: Collection[int], *, after: UUID | None = None, most: int = 1_000) -> list[UUID]:
    """People who live in these neighbourhoods, in the order of their numbers after one of them; rows that hold only."""
    found = Person.objects.filter(neighbourhood__in=neighbourhoods, erased=None, merged_into=None)
    found = found.filter(id__gt=after) if after else found
    return list(found.order_by("id").values_list("id", flat=True)[:most])
