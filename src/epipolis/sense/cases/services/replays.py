"""A case definition tried on all cases: first a report of what would change, then, if somebody decides so, the change."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from django.conf import settings as platform
from django.db import transaction

from epipolis.core import audit, clock, live, rules, work
from epipolis.core.imports import batches
from epipolis.core.models import TaskRun, User
from epipolis.core.rules import RulePack
from epipolis.core.work import Progress
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case, ClassifiedBy, Replay, ReplayChange

from .classifying import judge_cases

TRY_TASK, APPLY_TASK = "cases.try_definition", "cases.apply_definition"
_BATCH, _HELD = 2_000, 500
_AUTOMATIC = str(ClassifiedBy.AUTOMATIC)


@transaction.atomic
def ask_replay(pack: RulePack, as_of: date, *, by: audit.Actor, at: datetime) -> Replay:
    """Write down that a definition is to be tried on all cases as they were known at the end of a day.

    Raises:
        ValueError: the definition cannot be used (every place is named), or the day lies in the future.
    """
    if wrong := queries.check_definition(pack):
        raise ValueError(f"{pack.reference}: {'; '.join(wrong[:20])}")
    if as_of > clock.local_day(at):
        raise ValueError(f"{as_of} lies in the future")
    head = {name: getattr(pack, name) for name in ("name", "version", "jurisdiction", "source")}
    content = head | {"valid_from": pack.valid_from.isoformat(), "content": dict(pack.content)}
    made = Replay.objects.create(
        name=pack.reference[:200], content=content, as_of=as_of, asked=at, by=audit.actor_name(by)[:150]
    )
    audit.record("cases.try_definition", by=by, at=at, subject=pack.reference, day=as_of.isoformat(), replay=made.id)
    return made


def start_replay(pack: RulePack, as_of: date, *, by: audit.Actor, at: datetime) -> Replay:
    """The same, and queue the work.

    Raises:
        ValueError: as `ask_replay`.
    """
    with transaction.atomic():
        made = ask_replay(pack, as_of, by=by, at=at)
        _queue(TRY_TASK, made, by=by, at=at)
    return made


@transaction.atomic
def start_apply(replay_id: int, *, by: audit.Actor, at: datetime) -> TaskRun:
    """Queue that the cases are classified by a definition that was tried, and that it is in force from today on.

    Raises:
        Replay.DoesNotExist: there is no such trial.
        ValueError: it is not ready, or was tried on a past day.
    """
    found = Replay.objects.select_for_update().get(id=replay_id)
    _check_applicable(found, clock.local_day(at))
    return _queue(APPLY_TASK, found, by=by, at=at)


def try_definition(progress: Progress, replay: int, by: str = "") -> dict[str, Any]:
    """Find what the definition would change; done again, it begins anew."""
    found = Replay.objects.get(id=replay)
    if found.state == Replay.State.APPLIED:
        return {"cases": found.cases, "changes": found.changes.count()}
    pack = pack_of(found)
    found.changes.all().delete()
    counts: Counter[tuple[str, str, str]] = Counter()
    seen = 0
    total = max(queries.counted().count(), 1)
    for rows in _batches(pack, found.as_of):
        changes = list(_changes(found, pack, rows))
        ReplayChange.objects.bulk_create(changes, batch_size=1_000)
        counts.update((change.before, change.after, change.kept) for change in changes)
        seen += len(rows)
        progress(min(seen, total - 1), total)
    found.cases, found.counts, found.made = seen, _counted(counts), clock.now()
    found.state = Replay.State.READY
    found.save(update_fields=["cases", "counts", "made", "state"])
    live.tell("cases")
    return {"cases": seen, "changes": sum(counts.values())}


def apply_definition(progress: Progress, replay: int, by: str = "") -> dict[str, Any]:
    """Put the definition in force, and let it judge every case; classifications of people and sources stay.

    Cut off and done again, it goes on with the rest: what is classified by this definition already does not change.
    """
    found, at = Replay.objects.get(id=replay), clock.now()
    pack = adopt(pack_of(found), by=by, at=at)
    packs = dict.fromkeys(queries.diseases_of(pack), pack)
    ids = [case_id for case_id, disease in queries.counted().order_by("id").values_list("id", "disease")
           if queries.plain_disease(disease) in packs]  # fmt: skip
    changed = 0
    for start in range(0, len(ids), _HELD):
        with transaction.atomic():
            held = Case.objects.select_for_update().filter(id__in=ids[start : start + _HELD], same_as=None).order_by("id")
            changed += judge_cases(list(held), packs, by=by, at=at)
        progress(min(start + _HELD, len(ids)), max(len(ids), 1))
    with transaction.atomic():
        found.state, found.applied = Replay.State.APPLIED, at
        found.save(update_fields=["state", "applied"])
        audit.record("cases.apply_definition", by=by, at=at, subject=pack.reference, changed=changed, replay=found.id)
    live.tell("cases")
    return {"cases": len(ids), "changed": changed, "rule": pack.reference}


def adopt(pack: RulePack, *, by: audit.Actor, at: datetime) -> RulePack:
    """Put a definition in force in this city from today on, unless it is; another office's becomes the city's own version.

    Raises:
        ValueError: this version is known with other content.
    """
    day = clock.local_day(at)
    if _is_in_force(pack, day):
        return pack
    own = pack
    if pack.jurisdiction not in (platform.EPIPOLIS_JURISDICTION, "WHO") or any(
        _same(pack, v) for v in rules.versions(pack.name)
    ):
        version = f"{pack.version[:14]} from {day.isoformat()}"
        if pack.jurisdiction != platform.EPIPOLIS_JURISDICTION:  # its name says whose words these are
            version = f"{pack.jurisdiction[:9]} {pack.version[:10]} {day:%y-%m-%d}"
        own = replace(pack, jurisdiction=platform.EPIPOLIS_JURISDICTION, version=version, valid_from=day)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "definition.yaml"
        path.write_text(yaml.safe_dump(_plain(own), allow_unicode=True), encoding="utf-8")
        rules.load_rules(path, by=by, at=at)
    if not _is_in_force(own, day):
        raise ValueError(f"{own.reference} is not the newest version on {day}; give it a later valid_from")
    return own


def pack_of(replay: Replay) -> RulePack:
    """The definition that was tried, as it was then."""
    head = replay.content | {"valid_from": date.fromisoformat(replay.content["valid_from"])}
    return RulePack(**head)


def _is_in_force(pack: RulePack, day: date) -> bool:
    now = queries.definitions_in_force(day)
    return all(name in now and _same(now[name], pack) for name in queries.diseases_of(pack))


def _same(one: RulePack, other: RulePack) -> bool:
    return one.reference == other.reference and dict(one.content) == dict(other.content)


def _plain(pack: RulePack) -> dict[str, Any]:
    head = {name: getattr(pack, name) for name in ("name", "version", "jurisdiction", "valid_from", "source")}
    return head | {"content": dict(pack.content)}


def _check_applicable(found: Replay, today: date) -> None:
    if found.state == Replay.State.WAITING:
        raise ValueError("the report of what would change is not ready yet")
    if found.as_of != today:
        raise ValueError("what was believed on a past day stays; try the definition on today's cases, then apply it")


def _queue(task: str, found: Replay, *, by: audit.Actor, at: datetime) -> TaskRun:
    user = by if isinstance(by, User) else None
    return work.start_task(task, {"replay": found.id, "by": audit.actor_name(by)}, by=user, at=at, title=found.name)


def _batches(pack: RulePack, as_of: date) -> Iterator[list[Any]]:
    """The cases that the definition is for, as known at the end of that day; today's as believed now."""
    wanted = frozenset(queries.diseases_of(pack))
    if as_of >= clock.today():
        rows: Any = queries.counted().order_by("id")
    else:
        rows = queries.facts_as_known(_end_of(as_of)).order_by("case")
    meant = (row for row in rows.iterator(_BATCH) if queries.plain_disease(getattr(row, "case", row).disease) in wanted)
    return batches(meant, _BATCH)


def _changes(found: Replay, pack: RulePack, rows: Sequence[Any]) -> Iterator[ReplayChange]:
    at = None if found.as_of >= clock.today() else _end_of(found.as_of)
    known = queries.evidence_of(rows, {getattr(row, "case", row).disease: pack for row in rows}, at=at)
    for row in rows:
        case_id: UUID = getattr(row, "case", row).id
        if not known[case_id]["anything"]:
            continue
        decision = queries.decide(pack, known[case_id], found.as_of)
        after = decision.outcome or (pack["open"] if row.classified == _AUTOMATIC else row.classification)
        if after != row.classification:
            yield ReplayChange(
                replay=found,
                case_id=case_id,
                before=row.classification,
                after=after,
                kept=row.classified,
                reasons=decision.to_json()["reasons"],
            )


def _counted(counts: Counter[tuple[str, str, str]]) -> list[list[Any]]:
    """[from, to, cases, of which another word stands], most first."""
    found: dict[tuple[str, str], list[int]] = {}
    for (before, after, kept), number in counts.items():
        row = found.setdefault((before, after), [0, 0])
        row[0] += number
        row[1] += 0 if kept == _AUTOMATIC else number
    return [[*pair, *numbers] for pair, numbers in sorted(found.items(), key=lambda item: -item[1][0])]


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=clock.zone()) - timedelta(microseconds=1)
