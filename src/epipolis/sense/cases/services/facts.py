"""What may be believed about a case: the fields, their plain form, and the rules that days and ages must keep."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_noop

from epipolis.sense.cases.models import (
    Case,
    CaseRevision,
    Circumstance,
    Classification,
    ClassifiedBy,
    Facts,
    Outcome,
    State,
    Symptom,
)
from epipolis.sense.cases.settings import settings

FIELDS: tuple[str, ...] = tuple(field.attname for field in Facts._meta.local_fields)
DAYS: tuple[str, ...] = (
    "exposed_from",
    "exposed_until",
    "onset",
    "sampled",
    "reported",
    "confirmed",
    "hospitalised",
    "isolated",
    "ended",
)
_EMPTY: dict[str, Any] = {field.attname: field.get_default() for field in Facts._meta.local_fields}
NOTHING_KNOWN = _EMPTY | {"classification": str(Classification.SUSPECTED), "classified": str(ClassifiedBy.AUTOMATIC)}
STATES = {"symptoms": frozenset(Symptom.values), "circumstances": frozenset(Circumstance.values)}
_CLASSIFICATIONS, _OUTCOMES = frozenset(Classification.values), frozenset(Outcome.values)
_WORDS_OF, _ANSWERS = frozenset(ClassifiedBy.values), frozenset(State.values)
_DIED = str(Outcome.DIED)
_TEXTS = {field.attname: field.max_length for field in Facts._meta.local_fields if field.get_internal_type() == "CharField"}


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that some facts break. What is `impossible` is refused; the rest is stored and pointed out."""

    field: str
    rule: str
    impossible: bool = True


class FactsError(ValueError):
    """Facts that cannot be true; `broken` names each field and the rule."""

    def __init__(self, broken: list[Broken]) -> None:
        super().__init__("; ".join(f"{item.field}: {item.rule}" for item in broken))
        self.broken = broken


def complete(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of a case, with those that are not given left empty.

    A classification that is given is the source's word; without one the case is suspected until the rules say more.
    """
    given = plain(facts)
    whose = {"classified": str(ClassifiedBy.SOURCE)} if "classification" in given else {}
    return NOTHING_KNOWN | whose | given


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by column, areas by their id.

    Raises:
        FactsError: a name is no field of a case.
    """
    found: dict[str, Any] = {}
    for name, value in facts.items():
        column = f"{name}_id" if f"{name}_id" in _EMPTY else name
        if column not in _EMPTY:
            raise FactsError([Broken(name, gettext_noop("is no field of a case"))])
        found[column] = value.pk if isinstance(value, Model) else value
    return found


def believed(row: Case | CaseRevision) -> dict[str, Any]:
    """All facts of a case or a revision, by column."""
    return {name: getattr(row, name) for name in FIELDS}


def check(facts: Mapping[str, Any], *, today: date) -> None:
    """Refuse what cannot be true.

    Raises:
        FactsError: with every field and rule.
    """
    broken = [item for item in broken_rules(facts, today=today) if item.impossible]
    if broken:
        raise FactsError(broken)


def broken_rules(facts: Mapping[str, Any], *, today: date) -> Iterator[Broken]:
    """Every rule that the whole set of facts breaks, by column."""
    for name in DAYS:
        if facts[name] is not None and facts[name] > today:
            yield Broken(name, gettext_noop("lies in the future"))
    yield from _order(facts)
    yield from _words(facts)


def _order(facts: Mapping[str, Any]) -> Iterator[Broken]:
    onset, ended, reported = facts["onset"], facts["ended"], facts["reported"]
    died = facts["outcome"] == _DIED
    if _after(facts["exposed_from"], facts["exposed_until"]):
        yield Broken("exposed_until", gettext_noop("the last exposure lies before the first"))
    if _after(onset, ended):
        rule = gettext_noop("the onset lies after the death") if died else gettext_noop("the onset lies after the recovery")
        yield Broken("onset", rule, impossible=died)
    if died and _after(facts["hospitalised"], ended):
        yield Broken("hospitalised", gettext_noop("the admission lies after the death"))
    if _after(facts["exposed_from"], onset):
        yield Broken("exposed_from", gettext_noop("the exposure lies after the onset"), impossible=False)
    if _after(facts["sampled"], facts["confirmed"]):
        yield Broken("sampled", gettext_noop("the sample was taken after the confirmation"), impossible=False)
    if onset and reported and onset - reported > timedelta(days=settings.early_report_days):
        yield Broken("reported", gettext_noop("reported long before the onset"), impossible=False)
    if facts["age_from"] is not None and facts["age_to"] is not None and facts["age_from"] > facts["age_to"]:
        yield Broken("age_from", gettext_noop("the youngest age is above the oldest"))


def _words(facts: Mapping[str, Any]) -> Iterator[Broken]:
    if facts["classification"] not in _CLASSIFICATIONS:
        yield Broken("classification", gettext_noop("is no known classification"))
    if facts["classified"] not in _WORDS_OF:
        yield Broken("classified", gettext_noop("is no known way to classify"))
    for kind, names in STATES.items():
        if facts[kind] != {}:
            yield from _states(kind, names, facts[kind])
    if facts["outcome"] not in _OUTCOMES:
        yield Broken("outcome", gettext_noop("is no known outcome"))
    for name in ("age_from", "age_to"):
        if facts[name] is not None and not 0 <= facts[name] <= 120:
            yield Broken(name, gettext_noop("must lie between 0 and 120"))
    for name, length in _TEXTS.items():
        if "\0" in facts[name] or len(facts[name]) > length:
            yield Broken(name, gettext_noop("is too long, or holds the NUL character"))
    if "\0" in facts["note"] or len(facts["note"]) > 4_000:
        yield Broken("note", gettext_noop("is too long, or holds the NUL character"))


def _states(kind: str, names: frozenset[str], told: Any) -> Iterator[Broken]:
    if not isinstance(told, dict):
        yield Broken(kind, gettext_noop("must be answers by name"))
    elif not told.keys() <= names:
        yield Broken(kind, gettext_noop("names something that is not asked about"))
    elif not all(isinstance(state, str) and state in _ANSWERS for state in told.values()):
        yield Broken(kind, gettext_noop("has an answer that is neither yes nor no nor unknown"))


def _after(earlier: date | None, later: date | None) -> bool:
    return earlier is not None and later is not None and earlier > later
