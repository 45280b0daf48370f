"""Looking for doubles among everybody: who was held before rows were matched, or came in by numbers alone, is compared once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, live, work
from epipolis.core.models import TaskRun, User
from epipolis.sense.people import queries
from epipolis.sense.people.models import MatchQuestion, Person
from epipolis.sense.people.queries import Held, Option, Rules
from epipolis.sense.people.settings import settings

from .keying import make_missing_keys
from .matching import MATCHING_LOCK
from .merging import merge_people

TASK = "people.look_for_doubles"
_BY = "matching"
_REASON = gettext_noop("found when everybody was compared")


@dataclass
class _Portion:
    """Some people, opened, with whom each may be; `rows` and `people` are theirs and of all whom they were compared with."""

    ruling: Rules
    at: datetime
    by: audit.Actor
    held: dict[UUID, Held]
    clusters: dict[UUID, tuple[UUID, ...]]
    linked: int = 0
    asked: int = 0
    holders: dict[UUID, UUID] = field(default_factory=dict)

    def holder(self, person: UUID) -> UUID:
        """Who holds for this row now, after the links of this portion."""
        found = self.holders.get(person, person)
        while self.holders.get(found, found) != found:
            found = self.holders[found]
        return found


@transaction.atomic
def start_looking(*, by: audit.Actor, at: datetime) -> TaskRun:
    """Queue the search; one that waits or runs already is returned instead."""
    open_states = (TaskRun.State.WAITING, TaskRun.State.RUNNING)
    waiting = TaskRun.objects.filter(task=TASK, state__in=open_states).order_by("-asked").first()
    if waiting:
        return waiting
    return work.start_task(TASK, {"by": audit.actor_name(by)}, by=by if isinstance(by, User) else None, at=at)


def look_for_doubles(progress: work.Progress, by: str = _BY) -> dict[str, Any]:
    """Compare everybody who was not compared yet; cut off and done again, it goes on with the rest."""
    make_missing_keys()
    total, counts = queries.count_uncompared(), {"compared": 0, "linked": 0, "asked": 0}
    while True:
        found = compare_some(settings.compared_at_once, by=by, at=clock.now())
        if not found["compared"]:
            break
        counts = {name: counts[name] + found[name] for name in counts}
        progress(min(counts["compared"], total), total)
    progress(max(total, 1), max(total, 1))
    if counts["compared"]:
        audit.record("people.look_for_doubles", by=by, at=clock.now(), **dict[str, Any](counts))
    return counts


def look_by_night() -> int:
    """A part of it, for the job that runs every night; returns how many were compared."""
    make_missing_keys()
    done = 0
    while done < settings.compared_a_night:
        found = compare_some(settings.compared_at_once, by=_BY, at=clock.now())
        done += found["compared"]
        if not found["compared"]:
            break
    return done


@transaction.atomic
def compare_some(most: int, *, by: audit.Actor, at: datetime) -> dict[str, int]:
    """Compare some who were not compared yet with everybody: link and ask by the rules by which a new row is. One
    transaction; no other matching goes on meanwhile, so that two searches never link the same two."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MATCHING_LOCK])
    chosen = Person.objects.filter(compared=0, erased=None).order_by("id").select_for_update(skip_locked=True)
    people = list(chosen.values_list("id", flat=True)[:most])
    if not people:
        return {"compared": 0, "linked": 0, "asked": 0}
    opened, ruling = queries.held(people), queries.rules_at(at)
    records = [opened[person].record for person in people]
    keys = [queries.match_keys(record) for record in records]
    found, others = queries.compare_rows(records, keys, ruling)
    held = opened | others
    portion = _Portion(ruling, at, by, held, queries.same_people(held))
    portion.holders = {person: cluster[0] for person, cluster in portion.clusters.items()}
    open_ones = [
        (person, option)
        for person, options in zip(people, found, strict=True)
        for option in _take(person, _others(person, options, people, portion), portion)
    ]
    for person, option in open_ones:  # when all is linked, for two questions may have become one by then
        _ask(portion.holder(person), portion.holder(_whom(option)), option, portion)
    Person.objects.filter(id__in=people).update(compared=queries.WAY)
    if portion.asked:
        live.tell("people")
    return {"compared": len(people), "linked": portion.linked, "asked": portion.asked}


def _others(person: UUID, options: Sequence[Option], people: Sequence[UUID], portion: _Portion) -> list[Option]:
    """The options that are other people than this one, of the same world, each once, best first."""
    mine, simulated = portion.holder(person), portion.held[person].simulated
    best: dict[UUID, Option] = {}
    for one in options:
        whom = people[one.whom] if isinstance(one.whom, int) else one.whom
        if portion.holder(whom) != mine and portion.held[whom].simulated == simulated:
            best.setdefault(portion.holder(whom), one._replace(whom=whom))
    return list(best.values())


def _take(person: UUID, options: list[Option], portion: _Portion) -> list[Option]:
    """Link the likeliest where it is certain and nobody said otherwise; returns those to ask about."""
    if not options:
        return []
    mine = portion.holder(person)
    whom = {portion.holder(_whom(one)): one for one in options}
    apart = queries.told_apart([mine, *whom])
    whom = {other: one for other, one in whom.items() if frozenset((mine, other)) not in apart}
    links = [other for other, one in whom.items() if one.band == "link"]
    best = links[0] if links else None
    rivals = [other for other in links[1:] if whom[links[0]].bits - whom[other].bits < portion.ruling.margin]
    disputed = any(frozenset((best, other)) in apart for other in rivals) if best else False
    both: list[Option] = []
    if best is not None and not disputed and not _numbers_differ(mine, best):
        _link(person, whom.pop(best), portion)
        both = [whom.pop(other) for other in links[1:]]  # each could be this person, so they may be one
    return [*both, *list(whom.values())[: portion.ruling.questions]]


def _whom(option: Option) -> UUID:
    assert isinstance(option.whom, UUID)  # noqa: S101 -- whoever is asked about has been named before
    return option.whom


def _numbers_differ(one: UUID, other: UUID) -> bool:
    """Whether any rows of the two have unlike numbers of a kind of which a person has one: then somebody has to look."""
    clusters = queries.same_people([one, other])
    numbers: list[dict[str, set[str]]] = []
    for person in (one, other):
        kinds: dict[str, set[str]] = {}
        for row in queries.held(clusters[person]).values():
            for kind, value in row.record.identifiers:
                kinds.setdefault(kind, set()).add(value)
        numbers.append(kinds)
    return any(values.isdisjoint(numbers[1][kind]) for kind, values in numbers[0].items() if kind in numbers[1])


def _link(person: UUID, option: Option, portion: _Portion) -> None:
    """The one who is known for longer holds."""
    mine, other = portion.holder(person), portion.holder(_whom(option))
    known = dict(Person.objects.filter(id__in=(mine, other)).values_list("id", "known_at"))
    winner, loser = sorted((mine, other), key=lambda one: (known[one], str(one)))
    merge_people(
        loser,
        winner,
        reason=_REASON,
        by=portion.by,
        at=portion.at,
        score=option.bits,
        evidence=queries.evidence(option.levels, portion.ruling),
        rule=portion.ruling.reference,
        automatic=True,
    )
    portion.holders[loser] = winner
    portion.linked += 1


def _ask(person: UUID, other: UUID, option: Option, portion: _Portion) -> None:
    """Ask whether two are one, unless any rows of them were asked about before."""
    clusters = queries.same_people([person, other])
    if clusters[person] == clusters[other] or any(queries.is_asked(row, clusters[other]) for row in clusters[person]):
        return
    MatchQuestion.objects.create(
        person_id=person,
        candidate_id=other,
        score=option.bits,
        evidence=queries.evidence(option.levels, portion.ruling),
        rule=portion.ruling.reference,
        asked=portion.at,
    )
    portion.asked += 1
