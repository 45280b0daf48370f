from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Reason = tuple[str, Mapping[str, Any]]

TRUE, FALSE, UNKNOWN = "%(what)s: yes", "%(what)s: no", "%(what)s: not known"
MET, NOT_MET, OPEN = "%(what)s: met", "%(what)s: not met", "%(what)s: cannot be told yet"
COUNTED = "%(count)s of at least %(needed)s are known to hold"
MESSAGES = (TRUE, FALSE, UNKNOWN, MET, NOT_MET, OPEN, COUNTED)
"""Every message of a reason, for whoever translates them; `what` is a text of the definition or the name of a fact."""


@dataclass(frozen=True, slots=True)
class Answer:
    """True, False or None (not known), and what decided it, or what is missing, in the order of the definition."""

    value: bool | None
    because: tuple[Reason, ...] = ()
