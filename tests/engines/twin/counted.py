"""Tables of areas and of their people, for the tests of cities that are built from them."""

import json

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.areas import Areas

GROUPS = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 64), (65, None))
USUAL = (60, 110, 130, 330, 260, 150)


def square(west, south, size=0.01):
    east, north = west + size, south + size
    return json.dumps(
        {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}
    )


def areas_of(count=4, **changes):
    """Areas in a row; `changes` replaces columns."""
    columns = {
        "code": [f"A{number}" for number in range(count)],
        "name": [f"Area {number}" for number in range(count)],
        "district": ["West" if number < count / 2 else "East" for number in range(count)],
        "geometry": [square(121.5 + number * 0.01, 25.0) for number in range(count)],
    } | changes
    return pa.table({name: values for name, values in columns.items() if values is not None})


def population_of(counts, groups=GROUPS):
    """`counts` (areas, sexes, groups): men, then women; with one sex, all."""
    counts = np.asarray(counts)
    sexes = ("male", "female") if counts.shape[1] == 2 else ("all",)
    cells = list(np.ndindex(counts.shape))
    return pa.table(
        {
            "area": [f"A{cell[0]}" for cell in cells],
            "sex": [sexes[cell[1]] for cell in cells],
            "age_from": [groups[cell[2]][0] for cell in cells],
            "age_to": pa.array([groups[cell[2]][1] for cell in cells], pa.int64()),
            "people": counts.ravel(),
        }
    )


def usual(count=4):
    return Areas(areas_of(count), population_of(np.tile(USUAL, (count, 2, 1))))


def counted(city, groups=GROUPS):
    """Men, then women, by area in the order of their codes and by age group."""
    starts = [first for first, _ in groups]
    group = np.searchsorted(starts, city.homes.age, side="right") - 1
    order = np.argsort(city.ground.neighbourhoods.codes)
    shape = (len(order), 2, len(groups))
    cell = np.ravel_multi_index((city.homes.neighbourhood, city.homes.is_female.astype(int), group), shape)
    return np.bincount(cell, minlength=np.prod(shape)).reshape(shape)[order]
