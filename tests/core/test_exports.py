import csv
import io
import json
from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from epipolis.core.exports import Exporter, bare_cell, encode, safe_cell, write_file
from epipolis.core.imports import read_rows

AT = datetime(2026, 3, 10, tzinfo=UTC)
RISKY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x"]
PLAIN = ["", "a", "'", "'a", "a=b", "''", "1", "'1"]


@pytest.mark.parametrize("text", RISKY)
def test_text_that_a_spreadsheet_would_run_is_made_safe(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", RISKY + PLAIN + ["'" + text for text in RISKY] + ["''" + text for text in RISKY])
def test_what_was_made_safe_comes_back(text):
    assert bare_cell(safe_cell(text)) == text


@pytest.mark.parametrize("value", [-1, 1.5, None, True])
def test_numbers_are_left_alone(value):
    assert safe_cell(value) is value


def table():
    return [
        {"id": "A", "day": date(2026, 3, 1), "n": -5, "text": "=1", "flag": True},
        {"id": "B", "day": None, "n": None, "text": 'a,"b"\nc', "flag": False},
    ]


def exporter(rows):
    return Exporter("things", "Things", ("id", "day", "n", "text", "flag"), lambda at: rows, needs="")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_every_format_comes_back_as_the_same_texts(tmp_path, kind):
    path = tmp_path / f"things.{kind}"

    assert write_file(exporter(table()), path, at=AT) == 2

    assert [row for _, row in read_rows(path)] == [
        {"id": "A", "day": "2026-03-01", "n": "-5", "text": "=1", "flag": "True"},
        {"id": "B", "day": "", "n": "", "text": 'a,"b"\nc', "flag": "False"},
    ]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_an_empty_table_keeps_its_columns_where_the_format_can(tmp_path, kind):
    path = tmp_path / f"things.{kind}"

    assert write_file(exporter([]), path, at=AT) == 0

    if kind == "csv":
        assert path.read_text().strip() == "id,day,n,text,flag"
    elif kind == "json":
        assert json.loads(path.read_text()) == []
    else:
        assert pq.read_table(path).column_names == ["id", "day", "n", "text", "flag"]


def test_a_long_table_comes_in_pieces():
    pieces = list(encode("csv", ["n"], ({"n": number} for number in range(2_500))))

    assert len(pieces) == 3
    assert len(list(csv.reader(io.StringIO(b"".join(pieces).decode())))) == 2_501


def test_a_name_without_a_known_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv, \.json, \.parquet"):
        write_file(exporter([]), tmp_path / "things.exe", at=AT)
