"""Intake at high rate: many small requests, one transaction, each answered after its commit.

The road beside Django for check-ins, positions and readings: a native ASGI path decodes with msgspec,
puts the item in a queue, and a writer thread hands everything that waits to the module's service in one call. The request
is answered when that call's transaction has committed, so an answer means that the row is safe.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Intake:
    """One high-rate endpoint of a module.

    `item` is a msgspec Struct that bounds every field. `write(items, at=…)` stores a batch in one transaction and returns,
    for each item, None when it is stored (or was already) or the rule that it breaks.
    """

    path: str
    item: type
    write: Callable[..., Sequence[str | None]]
    needs: str
