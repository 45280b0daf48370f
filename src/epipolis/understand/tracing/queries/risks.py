"""What a meeting means: whether it makes a contact, and how great the risk is, by the rules in force and values alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.core.rules import Decision, RulePack
from epipolis.understand.tracing.models import Risk

RANKS: dict[Risk, int] = {Risk("high"): 1, Risk("medium"): 2, Risk("low"): 3}
_STEPS: tuple[Risk, ...] = (Risk("low"), Risk("medium"), Risk("high"))
_NAMED = {str(risk): risk for risk in RANKS}  # an enum looked up by calling it takes ten times as long


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of time that two people spent at one place."""

    place: int
    starts: datetime
    ends: datetime
    certain: bool
    companions: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody whom the rules make a contact. `minutes` is an upper bound where it is not certain."""

    visitor: UUID
    pieces: tuple[Piece, ...]
    minutes: int
    certain: bool
    last_met: datetime
    companions: int
    decision: Decision

    @property
    def risk(self) -> Risk:
        return _NAMED[self.decision.outcome]


def shortest_piece(rules: RulePack) -> timedelta:
    """The shortest stretch that counts at all."""
    return timedelta(minutes=rules["shortest_minutes"] if rules["within_hours"] else rules["minutes"])


def judge(visitor: UUID, pieces: Sequence[Piece], kinds: Mapping[int, str], rules: RulePack, *, day: date) -> Found | None:
    """Whether these meetings make a contact, and its risk. None where the definition is not met.

    Args:
        pieces: the stretches shared with one case, of the shortest length that counts.
        kinds: the kind of each place, in the city's words.
    """
    certain = [piece for piece in pieces if piece.certain]
    is_certain = is_met(certain, rules)
    if not is_certain and (len(certain) == len(pieces) or not is_met(pieces, rules)):
        return None
    minutes = int(shared(certain if is_certain else pieces) / timedelta(minutes=1))
    companions = max(piece.companions for piece in pieces)
    decision = assess(minutes, is_certain, {kinds.get(piece.place, "") for piece in pieces}, rules, day=day)
    ordered = tuple(sorted(pieces, key=lambda piece: (piece.starts, piece.place)))
    return Found(visitor, ordered, minutes, is_certain, max(piece.ends for piece in pieces), companions, decision)


def is_met(pieces: Sequence[Piece], rules: RulePack) -> bool:
    """Whether the meetings reach the minutes of the definition: in one stretch, or added up within its hours."""
    least = timedelta(minutes=rules["minutes"])
    if not rules["within_hours"]:
        return any(piece.ends - piece.starts >= least for piece in pieces)
    return most_within(pieces, timedelta(hours=rules["within_hours"])) >= least


def most_within(pieces: Sequence[Piece], period: timedelta) -> timedelta:
    """The most time shared in any period of this length; time that two pieces cover counts once."""
    stretches = joined(pieces)
    starts = {start for start, _end in stretches} | {end - period for _start, end in stretches}
    zero = timedelta()
    return max(
        (sum((max(zero, min(end, at + period) - max(start, at)) for start, end in stretches), zero) for at in starts),
        default=zero,
    )


def shared(pieces: Iterable[Piece]) -> timedelta:
    """All time shared; what two pieces cover counts once."""
    return sum((end - start for start, end in joined(pieces)), timedelta())


def joined(pieces: Iterable[Piece]) -> list[tuple[datetime, datetime]]:
    """The stretches of time that the pieces cover, in order and without overlap."""
    pieces = list(pieces)
    if len(pieces) == 1:  # as nearly always
        return [(pieces[0].starts, pieces[0].ends)]
    stretches: list[tuple[datetime, datetime]] = []
    for piece in sorted(pieces, key=lambda piece: piece.starts):
        if stretches and piece.starts <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], piece.ends))
        else:
            stretches.append((piece.starts, piece.ends))
    return stretches


def assess(minutes: int, certain: bool, kinds: set[str], rules: RulePack, *, day: date) -> Decision:
    """The risk of a contact, with its reasons."""
    scale = rules["risk"]
    inputs: dict[str, Any] = {"minutes": minutes, "certain": certain, "kinds": sorted(kinds)}
    if certain:
        risk = _NAMED[next(band["risk"] for band in scale["bands"] if minutes >= band["minutes"])]
        reasons: list[tuple[str, dict[str, Any]]] = [
            (gettext_noop("They were at the same place for %(minutes)s minutes."), {"minutes": minutes})
        ]
    else:
        risk = _NAMED[scale["only_possible"]]
        reasons = [(gettext_noop("Only the day is known, not the hour: they may have met, for at most %(minutes)s minutes."),
                    {"minutes": minutes})]  # fmt: skip
    close = [] if risk == Risk.HIGH else sorted(kinds.intersection(scale["close_places"]))
    if close:
        risk = _STEPS[_STEPS.index(risk) + 1]
        reasons.append(
            (gettext_noop("People are close together there (%(kinds)s): one step higher."), {"kinds": ", ".join(close)})
        )
    return Decision(risk.value, rules.reference, day, inputs, tuple(reasons))
