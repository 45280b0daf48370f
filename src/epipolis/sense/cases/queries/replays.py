"""What case definitions were tried, and what each would change."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import QuerySet

from epipolis.core import rules
from epipolis.core.rules import RulePack
from epipolis.sense.cases.models import Replay, ReplayChange

from .decisions import explained
from .definitions import NAME, definitions_in_force

CHANGES = ("source", "source_key", "id", "from", "to", "classified", "changes", "reasons")


def replays() -> QuerySet[Replay]:
    return Replay.objects.order_by("-asked", "-id")


def replay(replay_id: int) -> Replay | None:
    return Replay.objects.filter(id=replay_id).first()


def changes_of(replay_id: int) -> QuerySet[ReplayChange]:
    """Each case that would be classified in another way; those that would really change first."""
    found = ReplayChange.objects.filter(replay=replay_id).select_related("case")
    return found.order_by("before", "after", "case__source", "case__source_key")


def change_rows(replay_id: int) -> Iterator[dict[str, Any]]:
    """The same by CHANGES, with the reasons in the reader's language."""
    for change in changes_of(replay_id).iterator(2_000):
        case = change.case
        yield {
            "source": case.source,
            "source_key": case.source_key,
            "id": case.id,
            "from": change.before,
            "to": change.after,
            "classified": change.kept,
            "changes": change.kept == "automatic",
            "reasons": " · ".join(explained({"reasons": change.reasons})),
        }


def definitions() -> list[RulePack]:
    """Every version of a case definition that is known here, of this and other offices, the newest first."""
    return sorted(rules.versions(NAME), key=lambda pack: (pack.valid_from, pack.reference), reverse=True)


def references_in_force(day: date) -> set[str]:
    return {pack.reference for pack in definitions_in_force(day).values()}
