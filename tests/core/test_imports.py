import json
import os
import subprocess
import sys
import zipfile
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from epipolis.core.imports import ImportReport, batches, read_columns, read_rows, row_count


@pytest.fixture
def file(tmp_path):
    def write(content, name="list.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path):
    return list(read_rows(path))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_found(file, separator):
    path = file(f'id{separator}name\n1{separator}"a{separator}b"\n')

    assert rows(path) == [(2, {"id": "1", "name": f"a{separator}b"})]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "編號,性別\n一,女\n"),
        ("utf-8-sig", "編號,性別\n一,女\n"),
        ("utf-16", "編號,性別\n一,女\n"),
        ("utf-16-le", "id,sex,district\n1,F,Norte\n2,M,Sur\n"),
        ("utf-16-be", "id,sex,district\n1,F,Norte\n2,M,Sur\n"),
        ("utf-32", "編號,性別\n一,女\n"),
        ("big5", "編號,性別,行政區,狀態\n一,女,大安區,解除隔離\n二,男,信義區,住院中\n"),
        ("cp949", "번호,성별,지역,상태\n일,여성,서울특별시 강서구,격리해제\n이,남성,부산광역시,격리중\n"),
        ("gb18030", "编号,性别,地区,状态\n一,女,朝阳区,出院\n二,男,海淀区,住院治疗\n"),
        ("latin-1", "número,sexo,región\n1,mujer,Córdoba\n2,varón,Ávila\n"),
        ("cp1252", "numéro,sexe,région\n1,femme,Orléans – centre\n"),
        ("shift_jis", "番号,性別,地域\n一,女性,さいたま市\n二,男性,よこはま\n"),
    ],
)
def test_any_usual_encoding_is_found(file, encoding, text):
    path = file(text.encode(encoding))
    header, *lines = (line.split(",") for line in text.splitlines())

    assert [row for _, row in rows(path)] == [dict(zip(header, line, strict=True)) for line in lines]


def test_an_encoding_is_judged_where_the_file_first_leaves_ascii(file):
    plain = "1,plain,text\n" * 40_000
    path = file(("id,a,b\n" + plain).encode() + "2,大安區,信義區\n3,女性,解除隔離\n".encode("big5"))

    assert [row["a"] for _, row in rows(path)][-2:] == ["大安區", "女性"]


def test_what_cannot_be_decoded_is_shown_as_such_and_stops_nothing(file):
    assert rows(file("id,name\n1,é\n".encode() + b"2,\xff\xfe\xff\n"))[0][1]["id"] == "1"


def test_nul_characters_are_left_out(file):
    assert rows(file(b"id,na\0me\n1,a\0b\n")) == [(2, {"id": "1", "name": "ab"})]


def test_rows_that_do_not_fit_the_header_say_so(file):
    found = rows(file("id,a\n1\n2,x,y,z\n3,x,,\n4,x\n"))

    assert found == [
        (2, {"id": "1", "a": "", "": ""}),
        (3, {"id": "2", "a": "x", "": "y,z"}),
        (4, {"id": "3", "a": "x"}),
        (5, {"id": "4", "a": "x"}),
    ]


def test_empty_lines_are_passed_over_and_counted(file):
    assert [number for number, _ in rows(file("id\n\n1\n\n\n2\n"))] == [3, 6]


def test_a_cell_of_several_lines_is_one_cell_of_one_row(file):
    assert rows(file('id,note\n1,"a\nb"\n2,c\n')) == [(2, {"id": "1", "note": "a\nb"}), (3, {"id": "2", "note": "c"})]


def test_columns_without_a_name_or_with_the_same_name_get_their_own(file):
    assert rows(file("id,,id\n1,2,3\n")) == [(2, {"id": "1", "column 2": "2", "id (3)": "3"})]


def test_a_quote_that_is_never_closed_costs_its_own_rows_only(file):
    path = file('id,a\n1,"open\n' + "2,x\n" * 60_000)

    found = rows(path)

    assert any(set(row) == {""} for _, row in found)
    assert len(found) < 60_000


def test_what_an_export_made_safe_comes_back_as_it_was(file):
    found = rows(file("id,a,b,c\n1,'=1+1,''=x,'plain\n"))

    assert found == [(2, {"id": "1", "a": "=1+1", "b": "'=x", "c": "'plain"})]


def test_a_header_alone_has_columns_and_no_rows(file):
    path = file("id,sex\n")
    assert (read_columns(path), rows(path)) == (["id", "sex"], [])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" , \n", "no column names"),
        ("a.xlsx", b"not a workbook", "not a readable workbook"),
        ("a.xlsx", b"PK\x03\x04 broken", "not a readable workbook"),
        ("a.parquet", b"not parquet", "not a readable Parquet"),
        ("a.json", b"{", "not readable as JSON"),
        ("a.json", b"{}", "a list of objects"),
    ],
)
def test_a_file_that_is_no_table_says_why(file, name, content, message):
    with pytest.raises(ValueError, match=message):
        rows(file(content, name))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_rows(tmp_path / "none.csv")


def test_a_workbook_gives_text_numbers_and_days(tmp_path):
    book, path = Workbook(), tmp_path / "list.xlsx"
    book.active.append(["id", "age", "onset", "part", "note"])
    book.active.append(["A1", 34, date(2020, 1, 31), 0.5, None])
    book.active.append([None, None, None, None, None])
    book.active.append(["B2", None, 43861, True, "=1+1"])
    book.save(path)

    found = rows(path)

    assert found[0] == (2, {"id": "A1", "age": "34", "onset": "2020-01-31", "part": "0.5", "note": ""})
    assert (found[1][0], found[1][1]["onset"]) == (4, "43861")


def test_a_workbook_that_unpacks_to_more_than_can_be_read_is_refused(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts, parts.open("xl/a.xml", "w", force_zip64=True) as part:
        for _ in range(1_100):
            part.write(b"\0" * (1 << 20))

    with pytest.raises(ValueError, match="too large"):
        rows(path)


def test_parquet_gives_the_same_texts(tmp_path):
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"id": ["1", None], "onset": [date(2020, 1, 31), None], "n": [1.0, 2.5]}), path)

    assert rows(path) == [(2, {"id": "1", "onset": "2020-01-31", "n": "1"}), (3, {"id": "", "onset": "", "n": "2.5"})]
    assert row_count(path) == 2


def test_ndjson_names_each_line_that_is_no_record(file):
    lines = ['{"id": 1, "list": ["a", "b"]}', "", "{oops", "[1]", '{"id": "\\ud800"}', "[" * 100_000, '{"id": null}']
    found = rows(file("\n".join(lines), "list.ndjson"))

    assert [number for number, _ in found] == [1, 3, 4, 5, 6, 7]
    assert found[0][1] == {"id": "1", "list": "a; b"}
    assert [set(row) for _, row in found[1:3]] == [{""}, {""}]
    assert (found[3][1], set(found[4][1]), found[5][1]) == ({"id": "?"}, {""}, {"id": ""})


def test_json_is_a_list_of_records(file):
    path = file(json.dumps([{"id": 1, "a": None}, 5, {"id": "2", "a": "x"}]), "list.json")

    assert rows(path) == [(1, {"id": "1", "a": ""}), (2, {"": "5"}), (3, {"id": "2", "a": "x"})]
    assert read_columns(path) == ["id", "a"]


def test_rows_come_in_batches(file):
    found = list(batches(read_rows(file("id\n1\n2\n3\n")), 2))

    assert [[number for number, _ in batch] for batch in found] == [[2, 3], [4]]


def test_a_report_counts_a_row_once_and_lists_a_thousand_problems():
    report = ImportReport()
    report.reject(2, "a", "x")
    report.reject(2, "b", "x", "v" * 500)
    for row in range(2_000):
        report.warn(row, "c", "y")

    assert (report.rejected, report.warnings, len(report.problems), len(report.problems[1].value)) == (1, 2_000, 1_000, 100)
    assert "_last_rejected" not in report.to_json()


def test_a_report_goes_back_to_where_a_rolled_back_batch_began():
    report = ImportReport()
    report.reject(2, "a", "x")
    mark, before = report.mark(), report.to_json()
    report.reject(3, "a", "x")
    report.created += 5
    report.go_back(mark)

    assert report.to_json() == before


READ = """
import resource, sys
from epipolis.core.imports import read_rows
from pathlib import Path
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in read_rows(Path(sys.argv[1])))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def read_apart(path):
    """Rows read in a process of their own, and by how many KiB its memory grew."""
    script = f"import django; django.setup()\n{READ}"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "epipolis.server.settings", "PYTHONPATH": "src"}
    command = [sys.executable, "-W", "ignore", "-c", script, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return tuple(map(int, found.stdout.split()))


@pytest.mark.parametrize("name", ["list.csv", "list.ndjson"])
def test_a_large_file_is_read_in_bounded_memory(tmp_path, name):
    path = tmp_path / name
    line = b'{"id": "%07d", "note": "' + b"x" * 300 + b'"}\n' if name.endswith("ndjson") else b"%07d," + b"x" * 310 + b"\n"
    with path.open("wb") as out:
        if name == "list.csv":
            out.write(b"id,note\n")
        for start in range(0, 200_000, 1_000):
            out.write(b"".join(line % number for number in range(start, start + 1_000)))
    assert path.stat().st_size > 60 * 2**20

    count, grown = read_apart(path)

    assert count == 200_000
    assert grown < 25 * 1024


def test_a_file_that_is_one_endless_line_is_read_in_bounded_memory(tmp_path):
    path = tmp_path / "list.csv"
    with path.open("wb") as out:
        out.write(b"id,note\n1,")
        for _ in range(60):
            out.write(b"x" * (1 << 20))

    _count, grown = read_apart(path)

    assert grown < 25 * 1024
