"""The line list as a table: filtered, as known at any moment, and as a file."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate

from epipolis.core import clock
from epipolis.sense.cases.models import Case, CaseRevision, State

from .cases import facts_as_known, with_areas
from .decisions import conflicts

COLUMNS = (
    "id",
    "source",
    "source_key",
    "disease",
    "known_at",
    "revised_at",
    "revision",
    "simulated",
    "classification",
    "outcome",
    "exposed_from",
    "exposed_until",
    "onset",
    "sampled",
    "reported",
    "confirmed",
    "hospitalised",
    "isolated",
    "ended",
    "has_symptoms",
    "symptoms",
    "circumstances",
    "classified",
    "age_from",
    "age_to",
    "sex",
    "district",
    "neighbourhood",
    "region",
    "setting",
    "infected_by",
    "note",
)


def export_rows(rows: Any) -> Iterator[dict[str, Any]]:
    """The line list by COLUMNS, without names; an infector by its number where it has the same source, else by its id."""
    own = "case__" if rows.model is CaseRevision else ""
    same = Case.objects.filter(id=OuterRef("infected_by"), source=OuterRef(f"{own}source"))
    rows = rows.annotate(infector_key=Subquery(same.values("source_key")))
    names = {"id": f"{own}id", "district": "district__name", "neighbourhood": "neighbourhood__name"}
    names |= {name: f"{own}{name}" for name in ("source", "source_key", "disease", "simulated")}
    wanted = [names.get(name, name) for name in COLUMNS]
    for *values, infector in rows.order_by("known_at", "id").values_list(*wanted, "infector_key").iterator(5_000):
        row = dict(zip(COLUMNS, values, strict=True))
        answers = {name: answers_told(row[name]) for name in ("symptoms", "circumstances")}
        yield row | answers | {"infected_by": infector or row["infected_by"]}


def answers_told(answers: dict[str, str]) -> str:
    """Answers by name as one cell, which an import reads again."""
    return "; ".join(f"{name}: {state}" for name, state in sorted(answers.items()))


def all_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """The whole line list as believed now."""
    return export_rows(line_list())


def line_list(as_known_at: datetime | None = None, **filters: Any) -> QuerySet[Case] | QuerySet[CaseRevision]:
    """The line list as believed now, or at a moment (then of revisions, whose `case` is the case).

    Filters: `since`, `until` (local days by which a case was reported, until included), `district` (id),
    `classification`, `classified` (automatic, manual, source), `outcome`, `disease`, `text` (in number, region, setting or
    note), `conflict` (only those that the rules would classify in another way), `symptom` (only those that have it),
    `duplicates` (only those that are the same illness as another; else these are left out).
    """
    prefix = "case__" if as_known_at else ""
    found: Any = facts_as_known(as_known_at, duplicates=True) if as_known_at else with_areas(Case.objects.all())
    found = found.filter(same_as__isnull=not filters.get("duplicates"))
    exact = {name: name for name in ("district", "classification", "classified", "outcome")}
    exact |= {"disease": f"{prefix}disease"}
    if filters.get("conflict"):
        found = found.filter(**{f"{'case' if as_known_at else 'id'}__in": conflicts().values("case")})
    if filters.get("symptom"):
        found = found.filter(symptoms__contains={filters["symptom"]: State.YES})
    for name, column in exact.items():
        if filters.get(name) not in (None, ""):
            found = found.filter(**{column: filters[name]})
    known = TruncDate(f"{prefix}known_at", tzinfo=clock.zone())
    found = found.annotate(day=Coalesce("reported", "confirmed", "sampled", "onset", known))
    if as_known_at:
        found = found.annotate(revised_at=F("known_at"), source_key=F("case__source_key"))
    if filters.get("since"):
        found = found.filter(day__gte=filters["since"])
    if filters.get("until"):
        found = found.filter(day__lte=filters["until"])
    if text := filters.get("text"):
        words = Q(region__icontains=text) | Q(setting__icontains=text) | Q(note__icontains=text)
        found = found.filter(words | Q(**{f"{prefix}source_key__icontains": text}))
    return found
