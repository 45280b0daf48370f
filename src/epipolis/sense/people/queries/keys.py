"""Match keys: keyed hashes of what two rows of one person are likely to share, so that nothing has to be opened to look."""

from collections.abc import Collection, Iterable
from hmac import digest
from uuid import UUID

from django.db import connection

from epipolis.core.sealing import key
from epipolis.engines.linkage import MOST_SHARING, Record, blocking_keys

WAY = 1
"""The way in which keys are made; rows keyed in another way are keyed again by a job."""
_SHARING = """
SELECT wanted.key, found.person_id FROM unnest(%s::bigint[]) wanted (key) CROSS JOIN LATERAL
    (SELECT person_id FROM people_matchkey m WHERE m.key = wanted.key LIMIT %s) found"""


def match_keys(record: Record) -> list[int]:
    """The keys of a record: the first 8 bytes of a keyed hash each."""
    secret = key("people")
    made = (digest(secret, text.encode(), "sha256")[:8] for text in blocking_keys(record))
    return list(dict.fromkeys(int.from_bytes(one, "big", signed=True) for one in made))


def sharing(keys: Collection[int], most: int = MOST_SHARING) -> dict[int, list[UUID]]:
    """Who has each of these keys; a key that more than `most` people have says nothing and is left out."""
    found: dict[int, list[UUID]] = {}
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(_SHARING, [_listed(keys), most + 1])
            for value, person in cursor.fetchall():
                found.setdefault(value, []).append(person)
    return {value: people for value, people in found.items() if len(people) <= most}


def _listed(keys: Iterable[int]) -> str:
    """One text: a list of thousands of values takes longer to write than to answer."""
    return f"{{{','.join(map(str, keys))}}}"
