"""Links as they are stored, and the judgements on them."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from epipolis.core import rules
from epipolis.understand.chains.models import Judgement, Link

COLUMNS = (
    "infector",
    "infector_number",
    "infectee",
    "infectee_number",
    "probability",
    "basis",
    "days_between_onsets",
    "minutes_shared",
    "rule",
    "made",
    "simulated",
)


def rule_on(day: date) -> rules.RulePack:
    return rules.in_force("chain_links", day)


def links_to(case_id: UUID) -> QuerySet[Link]:
    """Who may have infected a case, the likeliest first."""
    return Link.objects.filter(infectee=case_id).select_related("infector").order_by("-probability", "infector__source_key")


def links_between(ids: Collection[UUID] | None = None, *, shown_from: float = 0.0) -> QuerySet[Link]:
    """Every link, or those that touch one of these cases."""
    found = Link.objects.filter(probability__gte=shown_from)
    return found if ids is None else found.filter(Q(infectee__in=ids) | Q(infector__in=ids))


def judgement(number: int) -> Judgement | None:
    return Judgement.objects.filter(id=number).first()


def judgements_of(case_id: UUID) -> QuerySet[Judgement]:
    """What was decided about who infected a case, newest first; also what was taken back."""
    return Judgement.objects.filter(infectee=case_id).select_related("infector").order_by("-at", "-id")


def count_open(at: datetime) -> int:
    """Cases of which several may be the source, none with more than half of the probability, and nobody has decided."""
    pack = rule_on(at.date())
    sure = Link.objects.filter(probability__gte=pack["holds_from"]).values("infectee")
    return Link.objects.exclude(infectee__in=sure).values("infectee").distinct().count()


def export_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every link by COLUMNS; cases by their numbers, no names."""
    found = Link.objects.select_related("infectee", "infector").order_by("infectee__source_key", "-probability", "id")
    for link in found.iterator(2_000):
        yield {
            "infector": link.infector_id,
            "infector_number": link.infector.source_key,
            "infectee": link.infectee_id,
            "infectee_number": link.infectee.source_key,
            "probability": round(link.probability, 6),
            "basis": link.basis,
            "days_between_onsets": link.days,
            "minutes_shared": link.minutes,
            "rule": link.rule,
            "made": link.made,
            "simulated": link.infectee.simulated,
        }
