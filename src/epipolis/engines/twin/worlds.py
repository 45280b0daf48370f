"""Where a run takes place: a city with places and hours, or plain layers of contacts."""

from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.city import City
from epipolis.engines.twin.contacts import Asked, list_contacts
from epipolis.engines.twin.draws import Flags, Floats, Ints, key, spans
from epipolis.engines.twin.infections import Hits, infect, infect_layer
from epipolis.engines.twin.layout import Layout, Records, lay_out
from epipolis.engines.twin.meetings import Groups, Sources, room_for
from epipolis.engines.twin.mixing import Mixing, mean_contacts
from epipolis.engines.twin.places import CODES, KINDS
from epipolis.engines.twin.presence import Today
from epipolis.engines.twin.week import HABIT, SLOTS, Week, typical_week

_CONTACT_HOURS = 6.0  # what the early cases of a run come to
_BLOCK, _EVENTS = 128, 1024  # sources taken together, and the events to begin with
_LONGEST_STAY = 0.4 + 0.6 * 3.0  # times the usual stay


class World(Protocol):
    """What an epidemic needs to know of where it takes place."""

    seed: int
    age: Ints
    area: Ints
    """Neighbourhood of each person, numbered."""
    area_codes: list[str]
    kinds: Ints
    """Kind of each place."""
    place_area: Ints
    """Neighbourhood of each place, numbered."""
    week_keys: Ints
    contact_hours: float
    """Hours of undivided close contact that a person has on a day, roughly."""

    is_resident: Flags
    """Lives in a care home."""
    is_carer: Flags
    """Works in a hospital, a clinic or a care home."""
    is_pupil: Flags
    staff: Ints
    """How many work at each place."""

    def infect(self, bodies: Records, today: Today, sources: Sources, first: int, last: int, hits: Hits) -> None:
        """Write whom the sources from `first` to `last` infect."""

    def household_of(self, people: Ints) -> tuple[Ints, Ints]:
        """Everyone who lives with `people`, and which of these each lives with."""

    def contacts_of(self, bodies: Records, asked: Asked, people: Ints, shares: Floats, seen: Ints) -> Ints:
        """Whom `people` met on the days asked for; `shares`: found, by layer; `seen`: see `contacts.list_contacts`."""


class CityWorld:
    """A city laid out for its daily life."""

    def __init__(self, city: City) -> None:
        self.seed = city.seed
        self.layout, pulls = lay_out(city)
        self.week = typical_week(self.layout, pulls, city.seed)
        self.groups = _groups(self.layout, self.week)
        self.age, self.area = self.layout.people["age"], self.layout.people["neighbourhood"]
        self.area_codes = list(city.ground.neighbourhoods.codes)
        self.kinds, self.place_area = self.layout.places["kind"], self.layout.places["neighbourhood"]
        self.contact_hours = _CONTACT_HOURS
        nurses = np.isin(self.kinds, [CODES[name] for name in ("hospital", "clinic", "care_home")])
        self.is_resident, duty = self.layout.people["is_resident"], self.layout.people["duty"]
        self.is_pupil = self.layout.people["is_pupil"]
        works = (duty >= 0) & ~self.is_resident & ~self.is_pupil
        self.staff = np.bincount(duty[works], minlength=len(self.kinds))
        self.is_carer = (duty >= 0) & nurses[duty] & ~self.is_resident
        self.week_keys = np.array([key(city.seed, f"week {number}") for number in range(8)])

    def infect(self, bodies: Records, today: Today, sources: Sources, first: int, last: int, hits: Hits) -> None:
        room = room_for(_EVENTS, _BLOCK)
        while first < last:
            done = infect(self.layout, self.week, self.groups, bodies, today, sources, first, last, room, hits)
            if done < last:
                room = room_for(2 * len(room.events), _BLOCK)
            first = done

    def household_of(self, people: Ints) -> tuple[Ints, Ints]:
        home, start = self.layout.people["household"][people], self.layout.household_start
        member, owner = spans(start[home].astype(np.int64), (start[home + 1] - start[home]).astype(np.int64))
        other = member != people[owner]
        return member[other], owner[other]

    def contacts_of(self, bodies: Records, asked: Asked, people: Ints, shares: Floats, seen: Ints) -> Ints:
        met = np.empty(len(seen), np.int32)
        found = list_contacts(self.layout, self.week, self.groups, bodies, asked, people, shares, seen, met)
        return met[:found].astype(np.int64)


_laid_out: WeakKeyDictionary[City, "CityWorld"] = WeakKeyDictionary()


def world_of(place: City | Mixing) -> World:
    """The world of a city, laid out once for as long as the city is kept; or of plain contacts."""
    if isinstance(place, Mixing):
        return MixingWorld(place)
    if place not in _laid_out:
        _laid_out[place] = CityWorld(place)
    return _laid_out[place]


class MixingWorld:
    """Layers of contacts without places or days of the week."""

    def __init__(self, mixing: Mixing) -> None:
        self.seed, self.age, self.mixing = 0, mixing.age.astype(np.uint8), mixing
        self.area = np.zeros(len(self.age), np.int32)
        self.is_resident = self.is_carer = self.is_pupil = np.zeros(len(self.age), bool)
        self.staff = np.zeros(0, np.int64)
        self.contact_hours = float(mean_contacts(mixing) @ np.array([layer.weight for layer in mixing.layers]))
        self.largest = [int(np.diff(layer.start).max(initial=0)) for layer in mixing.layers]
        self.area_codes: list[str] = []
        self.kinds, self.week_keys = np.zeros(0, np.uint8), np.zeros(8, np.uint64)
        self.place_area = np.zeros(0, np.int32)

    def infect(self, bodies: Records, today: Today, sources: Sources, first: int, last: int, hits: Hits) -> None:
        for number, layer in enumerate(self.mixing.layers):
            groups = (self.largest[number], layer.start, layer.other, layer.group_of)
            infect_layer(number, layer.weight, *groups, bodies, today, sources, first, last, hits)

    def household_of(self, people: Ints) -> tuple[Ints, Ints]:
        """Nobody: plain layers have no homes."""
        return people[:0], people[:0]

    def contacts_of(self, bodies: Records, asked: Asked, people: Ints, shares: Floats, seen: Ints) -> Ints:
        """Nobody: plain layers have no places to ask for."""
        return people[:0]


def _groups(layout: Layout, week: Week) -> Groups:
    people, places = layout.people, layout.places
    team, duty, area = people["team"], people["duty"], people["neighbourhood"]
    team_members, team_start = _members(team)
    staff, staff_start = _members(duty, len(places))
    kinds = places["kind"]
    open_for = np.maximum(places["closes"] - places["opens"], 60) * np.where(places["open_weekends"], 7, 5)
    minutes, outing_start = np.zeros(len(places)), np.zeros(len(places) + 1, np.int32)
    busiest = np.zeros(len(places), np.int32)
    _add_up(week.outings, minutes, outing_start, busiest)
    on_duty = np.diff(staff_start) * 8.0 * 60 * 4.7
    crowd = (minutes * HABIT + on_duty) / open_for
    closeness = np.array([kind.closeness for kind in KINDS])[kinds]
    longest = np.array([kind.stay_minutes for kind in KINDS])[kinds] * _LONGEST_STAY + 1
    return Groups(
        team_members,
        team_start,
        staff,
        staff_start,
        np.searchsorted(area, np.arange(len(layout.districts) + 1)).astype(np.int32),
        closeness / (6 + crowd),
        longest.astype(np.int16),
        outing_start,
        busiest,
    )


@compiled(allocates=False)
def _add_up(outings: Records, minutes: Floats, start: Ints, busiest: Ints) -> None:
    """Person-minutes a week at each place, where its outings begin, and the most of them in one part of a day."""
    together = 0
    for number in range(len(outings)):
        place = outings[number].at // SLOTS
        together = together + 1 if number > 0 and outings[number].at == outings[number - 1].at else 1
        busiest[place] = max(busiest[place], together)
        minutes[place] += outings[number].left - outings[number].arrived
        start[place + 1] += 1
    for place in range(len(minutes)):
        start[place + 1] += start[place]


def _members(group: Ints, groups: int | None = None) -> tuple[Ints, Ints]:
    """People in order of their group, and where each group begins."""
    count = int(group.max(initial=-1)) + 1 if groups is None else groups
    inside = np.flatnonzero(group >= 0).astype(np.int32)
    order = inside[np.argsort(group[inside], kind="stable")]
    return order, np.searchsorted(group[order], np.arange(count + 1)).astype(np.int32)
