"""Answers of the database as columns, hundreds of thousands of rows in one value: no row becomes an object."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

ID: Final = (("high", ">u8"), ("low", ">u8"))
_SENT: Final = {"int": ("int8send", ">i8"), "id": ("uuid_send", list(ID))}


def columns_of(question: str, values: tuple[Any, ...], kinds: Mapping[str, str]) -> NDArray[Any]:
    """The rows of a question as a structured array. `kinds` are "int" (bigint) and "id" (uuid), never null, by column."""
    sent = " || ".join(f"{_SENT[kind][0]}({name})" for name, kind in kinds.items())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg({sent}, ''::bytea) FROM ({question}) found", values)  # noqa: S608 -- functions and names of our own
        [raw] = cursor.fetchone()
    return np.frombuffer(bytes(raw or b""), np.dtype([(name, _SENT[kind][1]) for name, kind in kinds.items()]))


def id_list(ids: NDArray[Any]) -> str:
    """Ids as the database reads them in one text; a list of thousands of values takes longer to write than to answer."""
    text = ids.tobytes().hex()
    return f"{{{','.join(text[at : at + 32] for at in range(0, len(text), 32))}}}"
