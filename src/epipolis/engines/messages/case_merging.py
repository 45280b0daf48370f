"""Two offices changed one case: a three-way merge against the last version that both had. The owner's word wins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from epipolis.engines.messages.case_documents import CaseDocument
from epipolis.engines.messages.reports import Patient

_LISTS = ("symptoms", "circumstances", "tests", "contacts")
_NAMES = ("case_id", "source")  # each office has its own; they are never merged
_NOTHING: tuple[Any, ...] = (None, "", (), (None, None, None))


@dataclass(frozen=True, slots=True)
class Loss:
    """One field that both changed: what the owner's office says and keeps, and what the other said in vain."""

    field: str
    kept: Any
    lost: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """The case after a merge, the names of the fields that were taken from the other office, and what it lost."""

    document: CaseDocument
    taken: tuple[str, ...]
    losses: tuple[Loss, ...]


def flat(document: CaseDocument) -> dict[str, Any]:
    """What a document says, by name: onset, person.given, symptoms.cough, `tests.laboratory|number`, contacts.K1.

    What is not known has no entry.
    """
    made = {one.name: getattr(document, one.name) for one in fields(document) if one.name not in (*_LISTS, *_NAMES, "person")}
    made |= {f"person.{one.name}": getattr(document.person, one.name) for one in fields(Patient)}
    made |= {f"symptoms.{name}": said for name, said in document.symptoms}
    made |= {f"circumstances.{name}": said for name, said in document.circumstances}
    made |= {f"tests.{one.source}|{one.source_ref}": one for one in document.tests}
    made |= {f"contacts.{one.ref or place}": one for place, one in enumerate(document.contacts)}
    return {name: value for name, value in made.items() if value not in _NOTHING}


def merge_documents(base: CaseDocument, ours: CaseDocument, theirs: CaseDocument) -> Merged:
    """Merge what `theirs` changed since `base` into `ours`, the owner's. Where both changed a field, ours stays.

    Symptoms, circumstances, tests and contacts are merged one by one. With an empty base everything that theirs says is
    a change, so only what ours does not know is taken.
    """
    then, here, there = flat(base), flat(ours), flat(theirs)
    result, taken, losses = dict(here), [], []
    for name in dict.fromkeys((*here, *there, *then)):
        before, own, other = then.get(name), here.get(name), there.get(name)
        if other in (own, before):
            continue
        if own == before:
            taken.append(name)
            if other is None:
                result.pop(name, None)
            else:
                result[name] = other
        else:
            losses.append(Loss(name, own, other))
    return Merged(whole(ours, result), tuple(taken), tuple(losses))


def whole(like: CaseDocument, told: Mapping[str, Any]) -> CaseDocument:
    """The document that `flat` made flat, under the number and source of `like`."""
    empty = CaseDocument(like.case_id, like.disease, like.source)
    single = {name: value for name, value in told.items() if "." not in name}
    person = {name.removeprefix("person."): value for name, value in told.items() if name.startswith("person.")}
    return replace(
        empty,
        **single,
        person=replace(Patient(), **person),
        symptoms=tuple(_under("symptoms.", told)),
        circumstances=tuple(_under("circumstances.", told)),
        tests=tuple(value for _, value in _under("tests.", told)),
        contacts=tuple(value for _, value in _under("contacts.", told)),
    )


def _under(start: str, told: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((name.removeprefix(start), value) for name, value in told.items() if name.startswith(start))
