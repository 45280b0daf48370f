"""Who the people of a city are: names, births, telephones, addresses and the point where they live, and the places' names.

None of it takes part in an epidemic; it is what a platform is loaded with.
"""

import calendar
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.twin.draws import Floats, Ints, stream
from epipolis.engines.twin.geography import Ground, points_inside
from epipolis.engines.twin.households import Homes
from epipolis.engines.twin.names import Numbers, addresses, name_people, venue_names
from epipolis.engines.twin.places import KINDS, Duties, Sites

_WITHOUT_PHONE = 10


def describe_people(ground: Ground, homes: Homes, sites: Sites, duties: Duties, *, seed: int, born_by: date) -> pa.Table:
    """One row per person, as `City.people` states them."""
    random = stream(seed, "people")
    count = len(homes.age)
    first = homes.household_start[:-1]
    at = points_inside(ground, homes.neighbourhood[first], random)[homes.household]
    street = addresses(homes.neighbourhood[first], random)[homes.household]
    at[duties.is_resident] = sites.points[duties.place[duties.is_resident]]
    given, family, language = name_people(homes.household, homes.role, homes.is_female, seed)
    year, month, day = _births(homes.age, born_by, random)
    numbers = np.arange(count)
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0")
    phone = pc.if_else(pa.array(homes.age >= _WITHOUT_PHONE), pc.binary_join_element_wise("+99901", digits, ""), None)
    return pa.table(
        {
            "person": numbers,
            "sex": coded(homes.is_female.astype(np.int64), ["male", "female"]),
            "age": homes.age.astype(np.int16),
            "birth_year": year.astype(np.int16),
            "birth_month": month.astype(np.int8),
            "birth_day": day.astype(np.int8),
            "household": homes.household.astype(np.int64),
            "neighbourhood": coded(homes.neighbourhood, ground.neighbourhoods.codes),
            "workplace": np.where(duties.is_staff, duties.place, np.int64(-1)),
            "school": np.where(duties.is_pupil, duties.place, np.int64(-1)),
            "residence": np.where(duties.is_resident, duties.place, np.int64(-1)),
            "team": duties.team.astype(np.int64),
            "guardian": homes.guardian.astype(np.int64),
            "given_name": pa.array(given).dictionary_encode(),
            "family_name": pa.array(family).dictionary_encode(),
            "language": pa.array(language).dictionary_encode(),
            "phone": phone,
            "address": pa.array(street).dictionary_encode(),
            "lon": column(at, 0),
            "lat": column(at, 1),
        }
    )


def describe_places(ground: Ground, sites: Sites, *, seed: int) -> pa.Table:
    """One row per place, as `City.places` states them."""
    random = stream(seed, "venue names")
    names = np.empty(len(sites.kind), object)
    code = np.empty(len(sites.kind), object)
    for number, kind in enumerate(KINDS):
        own = np.flatnonzero(sites.kind == number)
        names[own] = venue_names(kind.name, len(own), random)
        code[own] = [f"{kind.name[:4].upper()}-{count + 1:05d}" for count in range(len(own))]
    return pa.table(
        {
            "place": np.arange(len(sites.kind)),
            "code": code,
            "name": names,
            "kind": coded(sites.kind, [kind.name for kind in KINDS]),
            "venue_type": coded(sites.kind, [kind.venue_type for kind in KINDS]),
            "neighbourhood": coded(sites.neighbourhood, ground.neighbourhoods.codes),
            "lon": column(sites.points, 0),
            "lat": column(sites.points, 1),
            "address": addresses(sites.neighbourhood, random),
            "opens": sites.opens.astype(np.int64),
            "closes": sites.closes.astype(np.int64),
            "open_weekends": sites.open_weekends,
            "capacity": sites.capacity.astype(np.int64),
            "default_stay_minutes": np.array([kind.stay_minutes for kind in KINDS])[sites.kind],
            "attraction": sites.attraction,
        }
    )


def _births(age: Numbers, born_by: date, random: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Birthdays spread over the year, so that everyone has exactly their age on `born_by`."""
    days = (random.random(len(age)) * 365).astype(np.int64)
    month_starts = np.cumsum([0, *(calendar.monthrange(2023, month)[1] for month in range(1, 12))])
    month = np.searchsorted(month_starts, days, side="right")
    day = days - month_starts[month - 1] + 1
    is_later = (month > born_by.month) | ((month == born_by.month) & (day > born_by.day))
    return born_by.year - age.astype(np.int64) - is_later, month, day


def column(points: Floats, number: int) -> Floats:
    return np.ascontiguousarray(points[:, number])


def coded(codes: Numbers, labels: list[str]) -> pa.DictionaryArray:
    """Texts by number; two codes may carry the same text."""
    distinct = sorted(set(labels))
    known = {label: number for number, label in enumerate(distinct)}
    at = np.array([known[label] for label in labels], np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(at[codes.astype(np.int32)]), distinct)
