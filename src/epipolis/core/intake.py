"""Intake at high rate: many small requests, one transaction, each answered after its commit.

The road beside Django for check-ins, positions and readings: a native ASGI path decodes with msgspec,
puts the item in a queue, and a writer thread hands everything that waits to the module's service in one call. The request
is answered when that call's transaction has committed, so an answer means that the row is safe.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What became of one item: stored, there already, or rejected by the rule that a field breaks."""

    status: int
    field: str = ""
    rule: str = ""


STORED, DUPLICATE = Outcome(201), Outcome(200)


def rejected(field: str, rule: str) -> Outcome:
    """The item is not stored, because a field breaks a rule."""
    return Outcome(422, field, rule)


@dataclass(frozen=True)
class Intake:
    """One high-rate endpoint of a module, at `/api/v1/` + `path`.

    `item` is a msgspec Struct that bounds every field. `write(items, by=…, at=…)` stores a batch in one transaction and
    returns an outcome for each item; `by` names the devices that sent them. `bulk(body, kind, by=…, at=…)`, where
    given, stores many rows of one request (at `path` + `:bulk`) and returns the report; it raises ValueError where the
    body cannot be read at all.
    """

    path: str
    item: type
    write: Callable[..., Sequence[Outcome]]
    needs: str
    bulk: Callable[..., Mapping[str, Any]] | None = None
