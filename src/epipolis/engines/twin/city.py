"""The city: arrays for the simulation, and Arrow tables that a platform loads."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.areas import Areas, check_areas
from epipolis.engines.twin.draws import stream
from epipolis.engines.twin.families import HOUSEHOLD_SIZE, settle_counted
from epipolis.engines.twin.geography import Ground, Outlines, draw_ground
from epipolis.engines.twin.households import Homes, settle
from epipolis.engines.twin.identities import column, describe_people, describe_places
from epipolis.engines.twin.places import Duties, Sites, found_places, office_weights

FEWEST_PEOPLE = 500
MOST_PEOPLE = 100_000_000
PEOPLE = 50_000
_OPEN_SEA = (-20.0, 30.0)
_FIVE_YEARS = tuple((age, 120 if age == 95 else age + 4) for age in range(0, 100, 5))


@dataclass(frozen=True, eq=False)
class City:
    """A city's people and places. Identical arguments build identical cities.

    For the simulation, as compact arrays (made at once; see the classes for each array):

    `homes`: per person age, is_female, role, neighbourhood, household, guardian (the person who takes a child under 12
    along, or -1), care_home; and household_start. People are in order of neighbourhood, then household.
    `duties`: per person place (where they work, learn or live in care, or -1), team (work team or school class, or -1),
    is_pupil, is_resident, is_staff.
    `sites`: per place kind (position in KINDS), neighbourhood, points (lon, lat), metres (east, north of the centre),
    attraction, capacity, opens, closes (local hours), open_weekends.
    `ground`: neighbourhoods, districts, district_of, rings, centres (metres).

    For a platform, as Arrow tables (made when first asked for; a run needs none of them):

    `districts`: code, name, geometry, area_m2, lon, lat.
    `neighbourhoods`: code, name, district, geometry, area_m2, lon, lat (of its middle).
    `population`: neighbourhood, sex, age_from, age_to (inclusive), people.
    `people`: person, sex (female, male), age, birth_year, birth_month, birth_day, household, neighbourhood, workplace,
    school, residence (places, or -1), team, guardian, given_name, family_name, language, phone (null for children
    under 10), address, lon, lat.
    `places`: place, code, name, kind, venue_type, neighbourhood, lon, lat, address, opens, closes, open_weekends,
    capacity, default_stay_minutes, attraction.

    `person` and `place` are row numbers. Geometries are GeoJSON polygons as text, longitude and latitude. Telephone
    numbers carry the country code 999, which the ITU keeps unassigned, so none can ring. Names are invented always.
    """

    name: str
    seed: int
    centre: tuple[float, float]
    utc_offset: timedelta
    born_by: date
    age_groups: tuple[tuple[int, int], ...]
    ground: Ground
    homes: Homes
    sites: Sites
    duties: Duties

    @cached_property
    def districts(self) -> pa.Table:
        return pa.table(_columns(self.ground.districts))

    @cached_property
    def neighbourhoods(self) -> pa.Table:
        codes = np.array(self.ground.districts.codes, object)
        columns = _columns(self.ground.neighbourhoods)
        return pa.table(columns).add_column(2, "district", [codes[self.ground.district_of]])

    @cached_property
    def population(self) -> pa.Table:
        """Counts by neighbourhood, sex and age group; empty cells are written out as zero."""
        groups = len(self.age_groups)
        starts = np.array([first for first, _ in self.age_groups])
        group = (np.searchsorted(starts, np.arange(256), side="right") - 1)[self.homes.age]
        cell = (self.homes.neighbourhood.astype(np.int64) * 2 + self.homes.is_female) * groups + group
        codes = np.array(self.ground.neighbourhoods.codes, object)
        counts = np.bincount(cell, minlength=len(codes) * 2 * groups)
        number = np.arange(len(counts))
        return pa.table(
            {
                "neighbourhood": codes[number // (2 * groups)],
                "sex": np.where(number // groups % 2, "female", "male").astype(object),
                "age_from": starts[number % groups],
                "age_to": np.array([last for _, last in self.age_groups])[number % groups],
                "people": counts,
            }
        )

    @cached_property
    def people(self) -> pa.Table:
        return describe_people(self.ground, self.homes, self.sites, self.duties, seed=self.seed, born_by=self.born_by)

    @cached_property
    def places(self) -> pa.Table:
        return describe_places(self.ground, self.sites, seed=self.seed)


def build_city(
    people: int | None = None,
    *,
    seed: int,
    areas: Areas | None = None,
    household_size: float = HOUSEHOLD_SIZE,
    name: str = "Demo City",
    centre: tuple[float, float] = _OPEN_SEA,
    utc_offset: timedelta = timedelta(hours=8),
    born_by: date = date(2025, 12, 31),
) -> City:
    """Invent a city of `people` (50,000 unless said) around `centre`, or build the one that `areas` counts.

    `centre` is longitude, latitude; `born_by` is the day on which ages hold. With `areas`, everybody counted there lives
    in the city, by area, sex and age group; `household_size` is the mean number of people in a household, met as nearly
    as their ages allow; `centre` then follows from the areas.

    Raises ValueError for fewer than 500 people or more than 100 million, a centre beyond 80 degrees of latitude, both
    `people` and `areas`, or areas that break a rule of `check_areas`.
    """
    if areas is not None:
        if people is not None:
            raise ValueError("Give either a number of people or areas with their people, not both.")
        return _build_counted(areas, seed, household_size, name, utc_offset, born_by)
    people = PEOPLE if people is None else people
    _refuse_size(people)
    if abs(centre[1]) > 80 or abs(centre[0]) > 179:
        raise ValueError(f"The centre must lie between 80° south and 80° north, away from the date line: {centre}.")
    ground = draw_ground(people, seed, centre)
    random = stream(seed, "density")
    distance = np.linalg.norm(ground.centres, axis=1)
    crowding = np.exp(-distance / (2 * distance.mean())) * random.gamma(8, 1 / 8, len(distance))
    homes = settle(people, ground.neighbourhoods.areas * crowding, seed)
    sites, duties = found_places(ground, homes, seed)
    return City(name, seed, centre, utc_offset, born_by, _FIVE_YEARS, ground, homes, sites, duties)


def _build_counted(areas: Areas, seed: int, household_size: float, name: str, utc_offset: timedelta, born_by: date) -> City:
    if not 1.2 <= household_size <= 5:
        raise ValueError(f"The mean household must be between 1.2 and 5 people, not {household_size}.")
    counted = check_areas(areas)
    _refuse_size(int(counted.people.sum()))
    ground = counted.ground
    homes = settle_counted(counted.people, counted.age_groups, seed, household_size=household_size)
    offices = office_weights(ground, counted.people.sum(axis=(1, 2)).astype(float), seed)
    sites, duties = found_places(ground, homes, seed, offices)
    return City(name, seed, ground.centre, utc_offset, born_by, counted.age_groups, ground, homes, sites, duties)


def _refuse_size(people: int) -> None:
    if people < FEWEST_PEOPLE:
        raise ValueError(f"A city needs at least {FEWEST_PEOPLE} people, not {people}.")
    if people > MOST_PEOPLE:
        raise ValueError(f"A city can have at most {MOST_PEOPLE} people, not {people}.")


def _columns(outlines: Outlines) -> dict[str, object]:
    return {
        "code": outlines.codes,
        "name": outlines.names,
        "geometry": outlines.borders,
        "area_m2": outlines.areas,
        "lon": column(outlines.middles, 0),
        "lat": column(outlines.middles, 1),
    }
