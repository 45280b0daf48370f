"""The city as compact arrays for compiled loops: what a run needs to know of people and places, and nothing else."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.twin.city import City
from epipolis.engines.twin.draws import Floats, Ints, uniform
from epipolis.engines.twin.places import CODES, KINDS

_COMMUTING = 0.35
_WALK = 1_200.0


PERSON = np.dtype(
    [
        ("neighbourhood", np.int32),
        ("household", np.int32),
        ("duty", np.int32),  # the place of work, school or care, or -1
        ("team", np.int32),  # work team, class or care unit, or -1
        ("guardian", np.int32),  # who takes a child under 12 along, or -1
        ("hub", np.int32),  # transit hub on the way to work or school, or -1
        ("age", np.uint8),
        ("is_pupil", np.bool_),
        ("is_resident", np.bool_),
    ],
    align=True,
)
PLACE = np.dtype(
    [
        ("neighbourhood", np.int32),
        ("district", np.int32),
        ("opens", np.int16),  # minutes of the local day
        ("closes", np.int16),
        ("kind", np.uint8),
        ("open_weekends", np.bool_),
    ],
    align=True,
)
Records = NDArray[np.void]


class Layout(NamedTuple):
    """The city as tables of records; a row number is a person, a place or a neighbourhood."""

    people: Records
    places: Records
    districts: Ints
    """Of each neighbourhood."""
    household_start: Ints
    """Where each household begins among the people; one more entry than there are households."""


class Pulls(NamedTuple):
    """Where trips go. By kind of place: its places, and for each neighbourhood the running share of its trips to each."""

    first: Ints
    chosen: Ints
    share_from: Ints
    shares: Floats


def lay_out(city: City) -> tuple[Layout, Pulls]:
    """The city as records, and where its trips go."""
    homes, sites, duties, ground = city.homes, city.sites, city.duties, city.ground
    pulls = _pulls(sites.kind, sites.attraction, sites.metres, ground.centres)
    where, duty = sites.neighbourhood, duties.place
    is_far = (duty >= 0) & ~duties.is_resident & (where[duty] != homes.neighbourhood) & (homes.age >= 12)
    numbers = np.arange(len(homes.age))
    commutes = is_far & (uniform(city.seed, "commute", numbers) < _COMMUTING)
    hub = _places_chosen(pulls, CODES["transit_hub"], homes.neighbourhood, uniform(city.seed, "hub", numbers))
    people = _records(
        PERSON,
        neighbourhood=homes.neighbourhood,
        household=homes.household,
        duty=duty,
        team=duties.team,
        guardian=homes.guardian,
        hub=np.where(commutes, hub, -1),
        age=homes.age,
        is_pupil=duties.is_pupil,
        is_resident=duties.is_resident,
    )
    places = _records(
        PLACE,
        neighbourhood=where,
        district=ground.district_of[where],
        opens=sites.opens.astype(np.int16) * 60,
        closes=sites.closes.astype(np.int16) * 60,
        kind=sites.kind,
        open_weekends=sites.open_weekends,
    )
    districts = np.asarray(ground.district_of, np.int32)
    return Layout(people, places, districts, np.asarray(homes.household_start, np.int32)), pulls


def _records(record: np.dtype[np.void], /, **columns: Any) -> Records:
    rows = np.empty(len(next(iter(columns.values()))), record)
    for name, values in columns.items():
        rows[name] = np.asarray(values)
    return rows


def _pulls(kind: Ints, attraction: Floats, place_at: Floats, area_at: Floats) -> Pulls:
    """Gravity: the weight of a place for a neighbourhood is its attraction * exp(-distance / 1.2 km)."""
    of_kind = [np.flatnonzero(kind == code) if KINDS[code].people_each else np.zeros(0, int) for code in range(len(KINDS))]
    first = np.concatenate([[0], np.cumsum([len(places) for places in of_kind])])
    shares = np.empty(int(first[-1]) * len(area_at), np.float32)
    for code, places in enumerate(of_kind):
        east, north = (np.subtract.outer(area_at[:, side], place_at[places, side]).astype(np.float32) for side in (0, 1))
        weights = attraction[places].astype(np.float32) * np.exp(np.hypot(east, north, out=east) / np.float32(-_WALK))
        running = np.cumsum(weights + np.float32(1e-9), axis=1, dtype=np.float32)
        if len(places):
            running /= running[:, -1:]
        shares[first[code] * len(area_at) : first[code + 1] * len(area_at)] = running.ravel()
    return Pulls(first, np.concatenate(of_kind).astype(np.int32), first * len(area_at), shares)


def _places_chosen(pulls: Pulls, code: int, neighbourhoods: Ints, chance: Floats) -> Ints:
    count = int(pulls.first[code + 1] - pulls.first[code])
    shares = pulls.shares[pulls.share_from[code] : pulls.share_from[code + 1]].reshape(-1, count)
    raised = (shares.astype(np.float64) + np.arange(len(shares))[:, None]).ravel()
    column = np.searchsorted(raised, neighbourhoods + chance, side="right") - neighbourhoods * count
    chosen = pulls.chosen[pulls.first[code] : pulls.first[code + 1]]
    return np.asarray(chosen[np.clip(column, 0, count - 1)], np.int32)
