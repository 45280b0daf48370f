"""People who are in the city's files twice, as in every register: for the page that asks whether two are the same."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from epipolis.engines import twin

SHARE = 0.01
_SEX = {"female": "F", "male": "M"}


def write_doubles(city: twin.City, path: Path, *, seed: int) -> int:
    """One person in a hundred once more, as another office wrote them: no number, a slip in the name or the birthday, mostly
    another telephone. Returns how many."""
    people = city.people
    random = np.random.default_rng((seed, 19))
    grown = np.flatnonzero(people.column("phone").is_valid().to_numpy(zero_copy_only=False))
    wanted = min(max(round(SHARE * people.num_rows), 1), len(grown))
    chosen = np.sort(random.choice(grown, wanted, replace=False))
    rows = []
    for row in people.take(pa.array(chosen)).to_pylist():
        slip = int(random.integers(3))
        given, family, day = row["given_name"], row["family_name"], row["birth_day"]
        if slip == 0:
            given, family = family, given
        elif slip == 1:
            given = _mistyped(given, random)
        else:
            day = day % 28 + 1
        rows.append(
            {
                "given_name": given,
                "family_name": family,
                "birth_date": date(row["birth_year"], row["birth_month"], day).isoformat(),
                "sex": _SEX[row["sex"]],
                "phone": row["phone"] if random.random() < 0.3 else "",
                "language": row["language"],
                "address": row["address"],
                "neighbourhood": row["neighbourhood"],
            }
        )
    pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    return wanted


def _mistyped(name: str, random: np.random.Generator) -> str:
    """Two neighbouring letters changed places, or in a short name the first alone."""
    if len(name) < 3:
        return name[0]
    at = int(random.integers(len(name) - 2)) + 1
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :] if at + 1 < len(name) else name
