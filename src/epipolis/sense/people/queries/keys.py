"""Match keys: keyed hashes of what two rows of one person are likely to share, so that nothing has to be opened to look."""

from hmac import digest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epipolis.core.sealing import key
from epipolis.engines.linkage import MOST_SHARING, Record, blocking_keys

from .columns import ID, columns_of

WAY = 1
"""The way in which keys are made; rows keyed in another way are keyed again by a job."""
Keys = dict[int, str]
"""The match keys of a row, each with the letter of its kind."""
_SHARING = """
SELECT wanted.key, found.person_id AS person FROM unnest(%s::bigint[]) wanted (key) CROSS JOIN LATERAL
    (SELECT person_id FROM people_matchkey m WHERE m.key = wanted.key LIMIT %s) found"""


def match_keys(record: Record) -> Keys:
    """The keys of a record: the first 8 bytes of a keyed hash each, with the kind of what was hashed."""
    secret = key("people")
    return {_number(digest(secret, text.encode(), "sha256")): text[0] for text in blocking_keys(record)}


def sharing(keys: NDArray[np.int64], most: int = MOST_SHARING) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Who has which of these keys: both sides of each pair; a key that more than `most` people have is left out."""
    if not len(keys):
        return keys, np.zeros(0, np.dtype(list(ID)))
    listed = f"{{{','.join(map(str, keys.tolist()))}}}"
    found = columns_of(_SHARING, (listed, most + 1), {"key": "int", "person": "id"})
    values, people = found["key"].astype(np.int64), found["person"]
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    tells = counts[places] <= most
    return values[tells], np.ascontiguousarray(people[tells])


def _number(hashed: bytes) -> int:
    return int.from_bytes(hashed[:8], "big", signed=True)
