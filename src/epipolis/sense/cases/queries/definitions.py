"""Case definitions: which one holds for a disease on a day, and what it says about a case."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from epipolis.core import rules
from epipolis.core.rules import Decision, RulePack
from epipolis.engines import criteria
from epipolis.sense.cases.models import Circumstance, Classification, Symptom

from .evidence import evidence

Reason = tuple[str, Mapping[str, Any]]
NAME = "case_definition"
_MISSING = 8  # missing facts that an explanation names
_KNOWN = frozenset(
    evidence(
        {"symptoms": dict.fromkeys(Symptom.values, ""), "circumstances": dict.fromkeys(Circumstance.values, "")}
        | dict.fromkeys(("onset", "sampled", "reported", "hospitalised", "exposed_from", "exposed_until", "ended"))
        | dict.fromkeys(("age_from", "age_to", "has_symptoms", "infected_by", "outcome", "sex")),
        (),
        known=date(2020, 1, 1),
    )
)
MESSAGES = (
    gettext_noop("%(what)s: yes"),
    gettext_noop("%(what)s: no"),
    gettext_noop("%(what)s: not known"),
    gettext_noop("%(what)s: met"),
    gettext_noop("%(what)s: not met"),
    gettext_noop("%(what)s: cannot be told yet"),
    gettext_noop("%(count)s of at least %(needed)s are known to hold"),
)


def definition_for(disease: str, day: date) -> RulePack | None:
    """The definition that is in force for a disease on a day, the city's own before the WHO's; None when there is none."""
    return definitions_in_force(day).get(plain_disease(disease))


def definitions_in_force(day: date) -> dict[str, RulePack]:
    """By disease, the definition that is in force on a day: for those who judge many cases."""
    wanted = (settings.EPIPOLIS_JURISDICTION, "WHO")
    found: dict[str, RulePack] = {}
    packs = [pack for pack in rules.versions(NAME) if pack.valid_from <= day and pack.jurisdiction in wanted]
    for pack in sorted(packs, key=lambda pack: (-wanted.index(pack.jurisdiction), pack.valid_from, pack.version)):
        found |= dict.fromkeys(diseases_of(pack), pack)
    return found


def diseases_of(pack: RulePack) -> tuple[str, ...]:
    """The names of the diseases that a definition is for, as `plain_disease` gives them."""
    return tuple(plain_disease(name) for name in pack["diseases"])


@lru_cache(maxsize=1_000)
def plain_disease(name: str) -> str:
    """A disease's name as it is compared: `COVID-19` and `covid 19` are the same."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def same_disease(pack: RulePack | None, one: str, other: str) -> bool:
    """Whether two names mean one disease, which a definition may know by several names."""
    left, right = plain_disease(one), plain_disease(other)
    known = diseases_of(pack) if pack else ()
    return left == right or (left in known and right in known)


def check_definition(pack: RulePack) -> list[str]:
    """Everything that is wrong with a definition, each with its place; empty when it can be used."""
    content, found = pack.content, []
    named, forms, classes = content.get("diseases"), content.get("forms", {}), content.get("classes")
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        found.append("diseases: must be a list of names")
    if content.get("open") not in Classification.values:
        found.append(f"open: must be one of {', '.join(Classification.values)}")
    if not isinstance(forms, dict) or not isinstance(classes, list) or not classes:
        return [*found, "classes: must be a list, and forms a mapping"]
    for position, one in enumerate(classes):
        found += _check_class(one, forms, f"classes[{position}]")
    return found


def _check_class(one: Any, forms: Mapping[str, Any], place: str) -> list[str]:
    if not isinstance(one, dict) or one.get("classification") not in Classification.values:
        return [f"{place}.classification: must be one of {', '.join(Classification.values)}"]
    if not isinstance(one.get("criteria"), list) or not one["criteria"]:
        return [f"{place}.criteria: must be a list with something in it"]
    found = []
    for position, criterion in enumerate(one["criteria"]):
        path = f"{place}.criteria[{position}]"
        if not isinstance(criterion, dict) or not {"id", "text", "when"} <= criterion.keys():
            found.append(f"{path}: must have id, text and when")
            continue
        wrong = criteria.check(criterion["when"], forms, path=f"{path}.when")
        strange = () if wrong else criteria.names(criterion["when"], forms) - _KNOWN
        found += wrong + [f"{path}.when: no case has a fact {name!r}" for name in sorted(strange)]
    return found


def decide(pack: RulePack, known: Mapping[str, Any], day: date) -> Decision:
    """What a definition says of the evidence of one case: the first class of which a criterion is met.

    The outcome is empty where none is met; the reasons then name what is missing for a higher class.
    """
    content, forms, asked = _Content(pack.content), pack.content.get("forms", {}), set()
    missing: list[Reason] = []
    for kind, criterion, judge in _judges(content):
        value = judge(known)
        if value is False or (value is None and kind in asked):
            continue
        about = {"classification": kind, "criterion": str(criterion["id"]), "what": criterion["text"]}
        because = criteria.evaluate(criterion["when"], known, forms).because
        if value:
            met = (gettext_noop("%(classification)s, criterion %(criterion)s: %(what)s"), about)
            return _decision(pack, kind, known, day, (met, *because, *missing))
        asked.add(kind)
        text = gettext_noop("%(classification)s cannot be told yet, criterion %(criterion)s: %(what)s")
        missing += [(text, about), *because[:_MISSING]]
    nothing: Reason = (gettext_noop("No criterion is met by what is known."), {})
    return _decision(pack, "", known, day, (nothing, *missing))


def _decision(pack: RulePack, outcome: str, known: Mapping[str, Any], day: date, reasons: Any) -> Decision:
    inputs = {name: known[name] for name in _asked(_Content(pack.content)) if known.get(name) is not None}
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in inputs.items()}
    return Decision(outcome, pack.reference, day, plain, tuple(reasons))


class _Content:
    """A definition's content as part of a key of a cache, by its identity."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self.content is other.content

    def __hash__(self) -> int:
        return id(self.content)


@lru_cache(maxsize=50)
def _judges(held: _Content) -> tuple[tuple[str, Mapping[str, Any], criteria.Judge], ...]:
    """Each criterion in order: the class that it makes, itself, and the function that judges it."""
    forms = held.content.get("forms", {})
    return tuple(
        (one["classification"], criterion, criteria.compile_judge(criterion["when"], forms))
        for one in held.content["classes"]
        for criterion in one["criteria"]
    )


@lru_cache(maxsize=50)
def _asked(held: _Content) -> tuple[str, ...]:
    """The facts that a definition asks for."""
    forms = held.content.get("forms", {})
    return tuple(sorted({name for _, criterion, _judge in _judges(held) for name in criteria.names(criterion["when"], forms)}))
