"""Two FHIR bundles field by field: what is equal, and what differs and why.

Resources have other ids in every bundle, and lists no order that means something: each resource is held against the one of the
other bundle that shares most with it, and so are the entries of a list. A reference counts as equal when it points at a
resource of the same type.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from epipolis.engines.messages.difference_reasons import reason_of
from epipolis.engines.messages.fhir_resources import Json, dict_of, dicts_of, text_of
from epipolis.engines.messages.times import fhir_time

_SKIPPED = frozenset(["id", "resourceType"])
_MOST_PAIRS = 250_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one resource; "" where a bundle does not have it. `reason` is "" when it is not a known one."""

    resource: str
    field: str
    ours: str
    expected: str
    reason: str


@dataclass(slots=True)
class Comparison:
    """How many fields are equal, and the others."""

    equal: int = 0
    differences: list[Difference] = field(default_factory=list)


def differences(ours: Json, expected: Json) -> list[Difference]:
    """The fields in which two bundles differ."""
    return compare_fhir(ours, expected).differences


def compare_fhir(ours: Json, expected: Json) -> Comparison:
    """Two bundles held against each other, resource by resource."""
    made = Comparison()
    left, right = _typed(ours), _typed(expected)
    _note(made, "Bundle", _pairs(_bare(ours, {}), _bare(expected, {})))
    for kind in sorted({*left, *right}):
        for number, (one, other) in enumerate(_matched(left.get(kind, []), right.get(kind, [])), start=1):
            name = f"{kind} {number}"
            _note(made, name, _pairs(one, other, absent=kind not in left))
    return made


def _note(made: Comparison, resource: str, pairs: Iterator[tuple[str, str, str]]) -> None:
    for path, one, other in pairs:
        if one == other:
            made.equal += 1
        else:
            made.differences.append(Difference(resource, path, one, other, reason_of(resource, path, one, other)))


def _typed(bundle: Json) -> dict[str, list[Json]]:
    """The resources of a bundle by type, with references told by the type that they point at."""
    entries = [(text_of(entry.get("fullUrl")), dict_of(entry.get("resource"))) for entry in dicts_of(bundle.get("entry"))]
    targets = {url: text_of(one.get("resourceType")) for url, one in entries}
    made: dict[str, list[Json]] = {}
    for _, one in entries:
        made.setdefault(text_of(one.get("resourceType")), []).append(_bare(one, targets))
    return made


def _bare(resource: Json, targets: dict[str, str]) -> Json:
    """What is compared of a resource; the type of a bundle (message, batch) is the sender's choice."""
    skipped = {*_SKIPPED, *(["entry", "type"] if resource.get("resourceType") == "Bundle" else [])}
    return {name: _told(value, targets) for name, value in resource.items() if name not in skipped}


def _told(value: object, targets: dict[str, str]) -> object:
    if isinstance(value, dict):
        if isinstance(to := value.get("reference"), str):
            kind = targets.get(to) or to.rsplit("/", 2)[-2:][0]
            return {**{name: _told(one, targets) for name, one in value.items() if name != "reference"}, "reference": kind}
        return {name: _told(one, targets) for name, one in value.items()}
    return [_told(one, targets) for one in value] if isinstance(value, list) else value


def _leaf(value: object) -> str:
    """A field as text; numbers and times in one form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.12g}"
    told = text_of(value)
    at, day_only = fhir_time(told, UTC) if "T" in told else (None, True)
    return told if at is None or day_only else at.astimezone(UTC).isoformat()


def _pairs(one: object, other: object, path: str = "", *, absent: bool = False) -> Iterator[tuple[str, str, str]]:
    """(path, ours, expected) of every field that either has."""
    if isinstance(one, dict) or isinstance(other, dict):
        left, right = dict_of(one), dict_of(other)
        for name in [*left, *(name for name in right if name not in left)]:
            yield from _pairs(left.get(name), right.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) or isinstance(other, list):
        lists = [value if isinstance(value, list) else [] for value in (one, other)]
        for left_one, right_one in _matched(*lists):
            yield from _pairs(left_one, right_one, path)
    else:
        yield path, _leaf(one), _leaf(other)


def _shared(one: object, other: object) -> int:
    return sum(1 for _, left, right in _pairs(one, other) if left == right)


def _matched(left: Sequence[object], right: Sequence[object]) -> list[tuple[object, object]]:
    """Entries in pairs, those that share most first, ties in their order; the rest each with nothing."""
    many, single = len(left) * len(right) > _MOST_PAIRS, len(left) == len(right) == 1
    if many:
        ranked = [(0, number, number) for number in range(min(len(left), len(right)))]
    else:
        ranked = [(-_shared(one, other), i, j) for i, one in enumerate(left) for j, other in enumerate(right)]
        ranked.sort(key=lambda entry: (entry[0], abs(entry[1] - entry[2]), entry[1], entry[2]))
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for shared, i, j in ranked:
        if i not in chosen and j not in taken and (shared or single or many):
            chosen[i] = j
            taken.add(j)
    pairs: list[tuple[object, object]] = [(one, right[chosen[i]] if i in chosen else None) for i, one in enumerate(left)]
    return pairs + [(None, other) for j, other in enumerate(right) if j not in taken]
