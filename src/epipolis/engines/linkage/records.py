"""What may be known of a person when two records are compared: one record, or a table with one row for each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says of a person; every field may be empty. `identifiers` are (kind, value).

    Only kinds of number that one person has one of belong there: two that differ say that these are two people.
    """

    given: str = ""
    family: str = ""
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    sex: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address: str = ""
    neighbourhood: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()


SCHEMA = pa.schema(
    {
        "given": pa.string(),
        "family": pa.string(),
        "birth_year": pa.int16(),
        "birth_month": pa.int8(),
        "birth_day": pa.int8(),
        "sex": pa.string(),
        "phones": pa.list_(pa.string()),
        "emails": pa.list_(pa.string()),
        "address": pa.string(),
        "neighbourhood": pa.string(),
        "identifiers": pa.list_(pa.struct({"kind": pa.string(), "value": pa.string()})),
    }
)


def table_of(records: Iterable[Record]) -> pa.Table:
    """Give records as the rows of a table of SCHEMA."""
    rows = list(records)
    columns: dict[str, list[object]] = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    columns["identifiers"] = [[{"kind": kind, "value": value} for kind, value in row.identifiers] for row in rows]
    return pa.table(columns, schema=SCHEMA)


def records_of(table: pa.Table) -> Iterator[Record]:
    """Give the rows of a table; a column of SCHEMA that the table lacks is empty. Others are not looked at.

    Raises ValueError for a table that has no column of SCHEMA.
    """
    if not set(SCHEMA.names) & set(table.column_names):
        raise ValueError(f"the table has no column that describes a person: {', '.join(SCHEMA.names)}")
    columns = [_column(table, name) for name in SCHEMA.names]
    for given, family, year, month, day, sex, phones, emails, address, place, identifiers in zip(*columns, strict=True):
        numbers = tuple((number["kind"] or "", number["value"] or "") for number in identifiers or () if number)
        points = tuple(filter(None, phones or ())), tuple(filter(None, emails or ()))
        yield Record(given or "", family or "", year, month, day, sex or "", *points, address or "", place or "", numbers)


def _column(table: pa.Table, name: str) -> list[object]:
    if name not in table.column_names:
        return [None] * table.num_rows
    try:
        return table[name].cast(SCHEMA.field(name).type).to_pylist()
    except pa.ArrowException as error:
        raise ValueError(f"column {name}: {error}") from error
