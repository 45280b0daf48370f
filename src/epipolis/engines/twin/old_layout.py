"""The city's tables as arrays, laid out once for the daily work."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.city import City
from epipolis.engines.twin.draws import Flags, Floats, Ints, uniform
from epipolis.engines.twin.geography import to_metres
from epipolis.engines.twin.places import CODES, KINDS

REGULARS = 3
"""How many favourite places of each kind a person has."""
_COMMUTING = 0.35


@dataclass(frozen=True, eq=False)
class Layout:
    """One entry per person, then one per place; times in seconds of the local day."""

    age: Ints
    neighbourhood: Ints
    household: Ints
    household_start: Ints
    """Where each household begins; one more entry than there are households."""
    duty: Ints
    team: Ints
    guardian: Ints
    is_pupil: Flags
    is_resident: Flags
    hub: Ints
    """Transit hub on the way to work or school, or -1."""
    kind: Ints
    place_neighbourhood: Ints
    opens: Ints
    closes: Ints
    open_weekends: Flags
    pulls: dict[int, tuple[Ints, Floats]]


def lay_out(city: City) -> Layout:
    people, places = city.people, city.places
    codes = city.neighbourhoods.column("code").to_pylist()
    neighbourhood, where = _numbers(people, "neighbourhood", codes), _numbers(places, "neighbourhood", codes)
    kind = _numbers(places, "kind", list(CODES))
    centres = to_metres(np.stack([_floats(city.neighbourhoods, "lon"), _floats(city.neighbourhoods, "lat")], 1), city.centre)
    points = to_metres(np.stack([_floats(places, "lon"), _floats(places, "lat")], 1), city.centre)
    attraction = _floats(places, "attraction")
    pulls = {
        code: _pull(np.flatnonzero(kind == code), attraction, points, centres)
        for code in range(len(KINDS))
        if KINDS[code].people_each
    }
    household, school = _ints(people, "household"), _ints(people, "school")
    residence = _ints(people, "residence")
    duty = np.maximum(np.maximum(_ints(people, "workplace"), school), residence)
    hub = _places_chosen(pulls[CODES["transit_hub"]], neighbourhood, uniform(city.seed, "hub", _ints(people, "person")))
    is_far = (duty >= 0) & (residence < 0) & (where[duty] != neighbourhood) & (_ints(people, "age") >= 12)
    commutes = is_far & (uniform(city.seed, "commute", _ints(people, "person")) < _COMMUTING)
    return Layout(
        age=_ints(people, "age"),
        neighbourhood=neighbourhood,
        household=household,
        household_start=np.searchsorted(household, np.arange(int(household[-1]) + 2)),
        duty=duty,
        team=_ints(people, "team"),
        guardian=_ints(people, "guardian"),
        is_pupil=school >= 0,
        is_resident=residence >= 0,
        hub=np.where(commutes, hub, -1),
        kind=kind,
        place_neighbourhood=where,
        opens=_ints(places, "opens") * 3600,
        closes=_ints(places, "closes") * 3600,
        open_weekends=places.column("open_weekends").to_numpy(),
        pulls=pulls,
    )


def _pull(chosen: Ints, attraction: Floats, points: Floats, centres: Floats) -> tuple[Ints, Floats]:
    """The places of a kind, and for each neighbourhood the running share of its trips that go to each of them.

    Gravity: weight = attraction * exp(-distance / 1.2 km). Row n of the shares is raised by n, so that one search
    over the flattened array serves every neighbourhood.
    """
    metres = np.linalg.norm(centres[:, None] - points[chosen][None], axis=2)
    weight = attraction[chosen] * np.exp(-metres / 1_200.0) + 1e-9
    share = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    share[:, -1] = 1.0
    return chosen, np.asarray(share + np.arange(len(share))[:, None], np.float64).ravel()


def _places_chosen(pull: tuple[Ints, Floats], neighbourhoods: Ints, chance: Floats) -> Ints:
    chosen, shares = pull
    column = np.searchsorted(shares, neighbourhoods + chance, side="right") - neighbourhoods * len(chosen)
    return np.asarray(chosen[np.clip(column, 0, len(chosen) - 1)], np.int64)


def favourite(layout: Layout, city_seed: int, code: int, who: Ints, start: Ints, chance: Floats) -> Ints:
    """A place of the kind `code` for each of `who`, seen from the neighbourhood `start`.

    Six visits in ten go to the first favourite, two to the second, one to the third and one anywhere.
    """
    rank = np.searchsorted(np.array([0.6, 0.8, 0.9]), chance, side="right")
    fixed = uniform(city_seed, "favourite", who, code, rank)
    anywhere = np.clip((chance - 0.9) * 10, 0, 1 - 1e-9)
    return _places_chosen(layout.pulls[code], start, np.where(rank == REGULARS, anywhere, fixed))


def _ints(table: pa.Table, column: str) -> Ints:
    return np.asarray(table.column(column).to_numpy(), np.int64)


def _floats(table: pa.Table, column: str) -> Floats:
    return np.asarray(table.column(column).to_numpy(), np.float64)


def _numbers(table: pa.Table, column: str, labels: list[str]) -> Ints:
    """Position of each text in `labels`."""
    coded = table.column(column).combine_chunks()
    known = {label: number for number, label in enumerate(labels)}
    numbers: Ints = np.array([known[label] for label in coded.dictionary.to_pylist()], np.int64)
    return np.asarray(numbers[coded.indices.to_numpy()], np.int64)
