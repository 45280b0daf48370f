"""What somebody who declares is told to do, by the dated rule, with its reasons."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy, gettext_noop

from epipolis.core.rules import Decision, RulePack, in_force
from epipolis.engines.criteria import evaluate
from epipolis.sense.cases.models import Circumstance, State, Symptom
from epipolis.sense.declarations.models import Advice

_PLAIN = {
    Symptom.ALTERED_MENTAL_STATUS: gettext_lazy("confused, or hard to wake"),
    Symptom.DYSPNOEA: gettext_lazy("short of breath"),
    Symptom.ANOSMIA: gettext_lazy("cannot smell or taste as usual"),
    Symptom.FATIGUE: gettext_lazy("weak or very tired"),
    Circumstance.CONTACT_OF_CASE: gettext_lazy("close to somebody who has or may have the disease"),
}
"""What only doctors call by its name, as everybody says it."""
_TRUTH = {str(State.YES): True, str(State.NO): False}
_WELL = gettext_noop("No symptom and no contact with a case was declared.")
_MISSING = gettext_noop("Not everything was answered, so it cannot be said that nothing is needed.")


def rule_on(day: date) -> RulePack:
    return in_force("declaration_advice", day)


def asked_symptoms(day: date) -> list[tuple[str, str]]:
    """The symptoms that the rule asks for, by name and in words."""
    words: dict[str, Any] = dict(Symptom.choices) | _PLAIN
    return [(name, str(words[name])) for name in rule_on(day)["asked"]]


def asked_circumstances(day: date) -> list[tuple[str, str]]:
    words: dict[str, Any] = dict(Circumstance.choices) | _PLAIN
    return [(name, str(words[name])) for name in rule_on(day)["circumstances"]]


def advise(
    symptoms: Mapping[str, str], circumstances: Mapping[str, str], temperature: Decimal | None, *, day: date
) -> Decision:
    """The advice for these answers. An answer that is missing or unknown is never taken for a no."""
    pack = rule_on(day)
    told = {f"symptoms.{name}": _TRUTH.get(symptoms.get(name, "")) for name in pack["asked"]}
    told |= {f"circumstances.{name}": _TRUTH.get(circumstances.get(name, "")) for name in pack["circumstances"]}
    signs = [value for name, value in told.items() if name.startswith("symptoms.")]
    facts: dict[str, Any] = {
        **told,
        "any_symptom": True if True in signs else None if None in signs else False,
        "temperature": float(temperature) if temperature is not None else None,
    }
    inputs: dict[str, Any] = {"symptoms": dict(symptoms), "circumstances": dict(circumstances)}
    inputs |= {"temperature": str(temperature)} if temperature is not None else {}
    for step in pack["advice"]:
        answer = evaluate(step["when"], facts)
        if answer.value:
            return Decision(step["outcome"], pack.reference, day, inputs, answer.because)
    open_ones = [value for value in told.values() if value is None]
    outcome, reason = (Advice.UNSURE, _MISSING) if open_ones else (Advice.WELL, _WELL)
    return Decision(str(outcome), pack.reference, day, inputs, ((reason, {}),))
