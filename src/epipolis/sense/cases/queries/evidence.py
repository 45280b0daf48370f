"""What is known about a case, by the names that definitions use: yes is True, no is False, not known is None or absent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from epipolis.sense.cases.models import CaseTest, Outcome, State, Symptom

_TRUTH = {str(State.YES): True, str(State.NO): False}
_FINAL = frozenset((str(CaseTest.Status.FINAL), str(CaseTest.Status.CORRECTED)))
_POSITIVE, _NEGATIVE = str(CaseTest.Result.POSITIVE), str(CaseTest.Result.NEGATIVE)
_WITHDRAWN, _UNUSABLE = str(CaseTest.Status.WITHDRAWN), str(CaseTest.Result.UNSATISFACTORY)
_DIED = str(Outcome.DIED)
_PLAIN = ("onset", "sampled", "reported", "hospitalised", "exposed_from", "exposed_until", "ended", "age_from", "age_to")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as far as a definition asks: `is_other` where another disease was looked for."""

    kind: str
    result: str
    status: str
    is_other: bool = False


def evidence(facts: Mapping[str, Any], tests: Iterable[Finding], *, known: date) -> dict[str, Any]:
    """Everything that a definition may ask of a case. `facts` by column; `known` is the day on which it became known.

    Who is said to have no symptoms has none of those that were not asked one by one. An infector that is named makes a
    contact. `seen` is the day on which the illness was seen: admission, else report, else the day it became known.
    `anything` is whether there is more than the days, so that judging it can lead to something.
    """
    told = {name: _TRUTH.get(state) for name, state in facts["symptoms"].items()}
    found: dict[str, Any] = {name: facts[name] for name in _PLAIN}
    if facts["has_symptoms"] is False:
        found |= dict.fromkeys(_SYMPTOMS, False)
    found |= {f"symptoms.{name}": value for name, value in told.items()}
    found |= {f"circumstances.{name}": _TRUTH.get(state) for name, state in facts["circumstances"].items()}
    if facts["infected_by"] and "contact_of_case" not in facts["circumstances"]:
        found["circumstances.contact_of_case"] = True
    found["has_symptoms"] = True if any(told.values()) else facts["has_symptoms"]
    found["died"] = facts["outcome"] == _DIED or None
    found["sex"] = facts["sex"] or None
    found["seen"] = facts["hospitalised"] or facts["reported"] or known
    tested = list(tests)
    found["anything"] = bool(facts["symptoms"] or facts["circumstances"] or tested) or None
    return found | _tests(tested)


def _tests(tests: list[Finding]) -> dict[str, bool | None]:
    own = [test for test in tests if not test.is_other and test.status != _WITHDRAWN]
    found = {"tests.positive": _says(own, _POSITIVE), "tests.negative": _says(own, _NEGATIVE)}
    for kind in _KINDS:
        those = [test for test in own if test.kind == kind]
        found[f"tests.{kind}.positive"] = _says(those, _POSITIVE)
        found[f"tests.{kind}.negative"] = _says(those, _NEGATIVE)
    others = [test for test in tests if test.is_other and test.status != _WITHDRAWN]
    return found | {"tests.other_disease.positive": _says(others, _POSITIVE)}


def _says(tests: list[Finding], wanted: str) -> bool | None:
    """Whether a final finding says so; not known without a test, and while one may still say it."""
    usable = [test for test in tests if test.result != _UNUSABLE]
    final = [test.result for test in usable if test.status in _FINAL]
    if wanted in final:
        return True
    is_open = len(final) < len(usable) or any(result not in (_POSITIVE, _NEGATIVE) for result in final)
    return None if is_open or not final else False


_KINDS = tuple(map(str, CaseTest.Kind.values))
_SYMPTOMS = tuple(f"symptoms.{name}" for name in Symptom.values)
