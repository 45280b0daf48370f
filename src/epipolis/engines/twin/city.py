"""The city as Arrow tables: what the simulation runs on and what a platform loads."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.draws import Floats, Ints, stream
from epipolis.engines.twin.geography import Ground, draw_ground, geojson, points_inside
from epipolis.engines.twin.households import Homes, settle
from epipolis.engines.twin.names import Texts, addresses, area_names, name_people, venue_names
from epipolis.engines.twin.places import KINDS, Duties, Sites, found_places

FEWEST_PEOPLE = 500
_OPEN_SEA = (-20.0, 30.0)


@dataclass(frozen=True, eq=False)
class City:
    """A city that never existed. Identical arguments build identical tables.

    `districts`: code, name, geometry, area_m2, lon, lat.
    `neighbourhoods`: code, name, district, geometry, area_m2, lon, lat (of its middle).
    `population`: neighbourhood, sex, age_from, age_to (inclusive), people.
    `people`: person, sex (female, male), age, birth_year, birth_month, birth_day, household, neighbourhood, workplace,
    school, residence (places, or -1), team (their work team or school class, or -1), guardian (the person who takes a
    child under 12 along, or -1), given_name, family_name, language, phone (null for children under 10), address,
    lon, lat.
    `places`: place, code, name, kind, venue_type, neighbourhood, lon, lat, address, opens, closes (local hours),
    open_weekends, capacity, default_stay_minutes, attraction.

    `person` and `place` are row numbers. Geometries are GeoJSON polygons as text, longitude and latitude. Telephone
    numbers carry the country code 999, which the ITU keeps unassigned, so none can ring.
    """

    name: str
    seed: int
    centre: tuple[float, float]
    utc_offset: timedelta
    districts: pa.Table
    neighbourhoods: pa.Table
    population: pa.Table
    people: pa.Table
    places: pa.Table


def build_city(
    people: int = 50_000,
    *,
    seed: int,
    name: str = "Demo City",
    centre: tuple[float, float] = _OPEN_SEA,
    utc_offset: timedelta = timedelta(hours=8),
    born_by: date = date(2025, 12, 31),
) -> City:
    """Build the city from its seed. `born_by` is the day on which ages hold; `centre` is longitude, latitude.

    Raises ValueError for fewer than 500 people or a centre beyond 80 degrees of latitude.
    """
    if people < FEWEST_PEOPLE:
        raise ValueError(f"A city needs at least {FEWEST_PEOPLE} people, not {people}.")
    if abs(centre[1]) > 80 or abs(centre[0]) > 179:
        raise ValueError(f"The centre must lie between 80° south and 80° north, away from the date line: {centre}.")
    ground = draw_ground(people, seed, centre)
    random = stream(seed, "density")
    distance = np.linalg.norm(ground.centres, axis=1)
    crowding = np.exp(-distance / (2 * distance.mean())) * random.gamma(8, 1 / 8, len(distance))
    homes = settle(people, ground.areas * crowding, seed)
    sites, duties = found_places(ground, homes, seed)
    codes = _neighbourhood_codes(ground)
    return City(
        name=name,
        seed=seed,
        centre=centre,
        utc_offset=utc_offset,
        districts=_districts(ground, seed),
        neighbourhoods=_neighbourhoods(ground, codes, seed),
        population=_population(homes, codes),
        people=_people(ground, homes, sites, duties, codes, seed, born_by),
        places=_places(sites, codes, seed),
    )


def _district_codes(ground: Ground) -> list[str]:
    return [f"D{number + 1:02d}" for number in range(len(ground.district_rings))]


def _neighbourhood_codes(ground: Ground) -> Texts:
    inside: dict[int, int] = {}
    codes = []
    for district in ground.district_of.tolist():
        inside[district] = inside.get(district, 0) + 1
        codes.append(f"D{district + 1:02d}-{inside[district]:03d}")
    return np.array(codes, object)


def _districts(ground: Ground, seed: int) -> pa.Table:
    rings = ground.district_rings
    return pa.table(
        {
            "code": _district_codes(ground),
            "name": [f"{name} District" for name in area_names(len(rings), seed, "district names")],
            "geometry": [geojson(ring) for ring in rings],
            "area_m2": ground.district_areas,
            "lon": [float(ring[:-1, 0].mean()) for ring in rings],
            "lat": [float(ring[:-1, 1].mean()) for ring in rings],
        }
    )


def _neighbourhoods(ground: Ground, codes: Texts, seed: int) -> pa.Table:
    return pa.table(
        {
            "code": codes,
            "name": area_names(len(codes), seed, "neighbourhood names"),
            "district": np.array(_district_codes(ground), object)[ground.district_of],
            "geometry": [geojson(ring) for ring in ground.rings],
            "area_m2": ground.areas,
            "lon": [float(ring[:-1, 0].mean()) for ring in ground.rings],
            "lat": [float(ring[:-1, 1].mean()) for ring in ground.rings],
        }
    )


def _population(homes: Homes, codes: Texts) -> pa.Table:
    """Counts in five-year groups up to 100; empty cells are written out as zero."""
    groups = 20
    cell = (homes.neighbourhood * 2 + homes.is_female) * groups + np.minimum(homes.age // 5, groups - 1)
    counts = np.bincount(cell, minlength=len(codes) * 2 * groups)
    number = np.arange(len(counts))
    age_from = number % groups * 5
    return pa.table(
        {
            "neighbourhood": codes[number // (2 * groups)],
            "sex": np.where(number // groups % 2, "female", "male").astype(object),
            "age_from": age_from,
            "age_to": np.where(age_from == 95, 120, age_from + 4),
            "people": counts,
        }
    )


def _people(ground: Ground, homes: Homes, sites: Sites, duties: Duties, codes: Texts, seed: int, born_by: date) -> pa.Table:
    random = stream(seed, "people")
    count = len(homes.age)
    first = np.searchsorted(homes.household, np.arange(int(homes.household[-1]) + 1))
    at = points_inside(ground, homes.neighbourhood[first], random)[homes.household]
    street = addresses(homes.neighbourhood[first], random)[homes.household]
    is_resident = homes.care_home >= 0
    at[is_resident] = sites.points[duties.place[is_resident]]
    given, family, language = name_people(homes.household, homes.role, homes.is_female, seed)
    year, month, day = _births(homes.age, born_by, random)
    kind = np.where(duties.place >= 0, sites.kind[duties.place], -1)
    is_school = (kind == 1) | (kind == 2)
    is_pupil = is_school & (homes.age < 18)
    numbers = np.arange(count)
    phone = np.char.add("+99901", np.char.zfill(numbers.astype(str), 8)).astype(object)
    phone[homes.age < 10] = None
    head = first[homes.household]
    guardian = np.where((homes.age < 12) & (homes.age[head] >= 18), head, -1)
    return pa.table(
        {
            "person": numbers,
            "sex": _coded(homes.is_female.astype(np.int64), ["male", "female"]),
            "age": homes.age.astype(np.int16),
            "birth_year": year.astype(np.int16),
            "birth_month": month.astype(np.int8),
            "birth_day": day.astype(np.int8),
            "household": homes.household,
            "neighbourhood": _coded(homes.neighbourhood, codes.tolist()),
            "workplace": np.where(is_pupil | is_resident, -1, duties.place),
            "school": np.where(is_pupil, duties.place, -1),
            "residence": np.where(is_resident, duties.place, -1),
            "team": duties.team,
            "guardian": guardian,
            "given_name": pa.array(given).dictionary_encode(),
            "family_name": pa.array(family).dictionary_encode(),
            "language": pa.array(language).dictionary_encode(),
            "phone": pa.array(phone, pa.string()),
            "address": pa.array(street).dictionary_encode(),
            "lon": at[:, 0],
            "lat": at[:, 1],
        }
    )


def _births(age: Ints, born_by: date, random: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Birthdays spread over the year, so that everyone has exactly their age on `born_by`."""
    days = (random.random(len(age)) * 365).astype(np.int64)
    month_starts = np.cumsum([0, *(calendar.monthrange(2023, month)[1] for month in range(1, 12))])
    month = np.searchsorted(month_starts, days, side="right")
    day = days - month_starts[month - 1] + 1
    is_later = (month > born_by.month) | ((month == born_by.month) & (day > born_by.day))
    return born_by.year - age - is_later, month, day


def _places(sites: Sites, codes: Texts, seed: int) -> pa.Table:
    random = stream(seed, "venue names")
    names = np.empty(len(sites.kind), object)
    code = np.empty(len(sites.kind), object)
    for number, kind in enumerate(KINDS):
        own = np.flatnonzero(sites.kind == number)
        names[own] = venue_names(kind.name, len(own), random)
        code[own] = [f"{kind.name[:4].upper()}-{count + 1:05d}" for count in range(len(own))]

    def of_kind(values: list[int]) -> Ints:
        return np.array(values)[sites.kind]

    return pa.table(
        {
            "place": np.arange(len(sites.kind)),
            "code": code,
            "name": names,
            "kind": _coded(sites.kind, [kind.name for kind in KINDS]),
            "venue_type": _coded(sites.kind, [kind.venue_type for kind in KINDS]),
            "neighbourhood": _coded(sites.neighbourhood, codes.tolist()),
            "lon": _column(sites.points, 0),
            "lat": _column(sites.points, 1),
            "address": addresses(sites.neighbourhood, random),
            "opens": of_kind([kind.opens for kind in KINDS]),
            "closes": of_kind([kind.closes for kind in KINDS]),
            "open_weekends": of_kind([kind.is_open_weekends for kind in KINDS]).astype(bool),
            "capacity": sites.capacity,
            "default_stay_minutes": of_kind([kind.stay_minutes for kind in KINDS]),
            "attraction": sites.size,
        }
    )


def _column(points: Floats, number: int) -> Floats:
    return np.ascontiguousarray(points[:, number])


def _coded(codes: Ints, labels: list[str]) -> pa.DictionaryArray:
    """Texts by number; two codes may carry the same text."""
    distinct = sorted(set(labels))
    at = np.array([distinct.index(label) for label in labels])
    return pa.DictionaryArray.from_arrays(pa.array(at[codes].astype(np.int32)), distinct)
