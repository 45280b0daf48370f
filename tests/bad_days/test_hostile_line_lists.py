"""Line lists as nobody should send them, through the command that an operator types."""

import json

import pytest
from openpyxl import Workbook

HEADER = "number,sex,age,date of onset,report date,classification,district"
GOOD = "Z-1,F,34,2026-03-02,2026-03-05,confirmed,"


def lines(*rows, header=HEADER):
    return "\n".join([header, *rows, ""])


def workbook(path, *rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    book.close()
    return path.read_bytes()


KOREAN = "number,sex,date of onset,classification,region\nZ-1,F,2026-03-02,confirmed,서울특별시 송파구\n"
CHINESE = "編號,性別,年齡,發病日,分類\nZ-1,女,34,2026-03-02,確診\n"
LISTS = {
    "utf-16.csv": (lines(GOOD).encode("utf-16"), 1, {}),
    "big5.csv": (CHINESE.encode("big5"), 1, {}),
    "euc-kr.csv": (KOREAN.encode("euc_kr"), 1, {}),
    "twice.csv": (lines(GOOD, GOOD.replace("34", "35")).encode(), 1, {3: "source_key"}),
    "impossible days.csv": (
        lines(GOOD, "Z-2,F,34,2026-02-30,,confirmed,", "Z-3,F,34,2999-01-01,2999-01-02,confirmed,").encode(),
        None,
        {3: "onset", 4: "reported"},
    ),
    "unknown district.csv": (lines(GOOD, "Z-2,F,34,2026-03-02,2026-03-05,confirmed,Atlantis").encode(), None, {3: "district"}),
    "formulas.csv": (
        lines("=1+1,F,34,2026-03-02,2026-03-05,confirmed,", "@SUM(A1),+1,=cmd|' /C calc'!A0,,,,").encode(),
        None,
        {},
    ),
    "nul.csv": (lines(GOOD).encode().replace(b"34", b"3\x004") + b"\x00", 1, {}),
    "ragged.csv": (lines(GOOD, "Z-2,F", "Z-3,F,34,2026-03-02,2026-03-05,confirmed,,surplus,more").encode(), 3, {3: "", 4: ""}),
    "header only.csv": (lines().encode(), 0, {}),
}
REFUSED = {
    "nothing.csv": (b"", "empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16, ""),
    "not a workbook.xlsx": (b"PK\x03\x04 not at all", "workbook"),
    "not parquet.parquet": (b"PAR1 not at all", "Parquet"),
    "no number.csv": (b"colour,shape\nred,round\n", ""),
}


COMMAND = """
import os, sys, traceback
from pathlib import Path
from epipolis.server.cli import main

ANSWER = {}
for path in map(Path, ARGUMENTS["paths"]):
    said, complained = (path.with_name(path.name + end) for end in (".out", ".err"))
    child = os.fork()
    if not child:
        for number, file in ((1, said), (2, complained)):
            os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), number)
        sys.argv = ["epipolis", "import", "cases", str(path), "--source", path.stem, "--dry-run", "--json"]
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):
                print(code, file=sys.stderr)
                code = 1
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ANSWER[path.name] = status, said.read_text(), complained.read_text()
"""


@pytest.fixture(scope="module")
def sent(installations, tmp_path_factory):
    """Exit code, output and complaint for each list: the command in a process of its own, forked from one that is warm."""
    office, folder = installations(), tmp_path_factory.mktemp("lists")
    office.hold()
    contents = {name: content for name, (content, *_) in (LISTS | REFUSED).items()} | {
        "empty.xlsx": workbook(folder / "made.xlsx"),
        "full.xlsx": workbook(folder / "made.xlsx", HEADER.split(","), GOOD.split(",")),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    yield office.python(COMMAND, paths=[str(folder / name) for name in contents])
    office.close()


@pytest.mark.parametrize("name", LISTS)
def test_good_rows_are_kept_and_bad_ones_are_named(sent, name):
    _, accepted, problems = LISTS[name]

    code, said, complained = sent[name]

    assert (code, complained) == (0, "")
    report = json.loads(said)
    named = {problem["row"]: problem["field"] for problem in report["problems"]}
    assert accepted in (None, report["accepted"]), report
    assert problems.items() <= named.items(), report


@pytest.mark.parametrize("name", [*REFUSED, "empty.xlsx"])
def test_what_is_no_line_list_is_refused_in_one_line(sent, name):
    _, word = REFUSED.get(name, (b"", ""))

    code, said, complained = sent[name]

    assert (code, said) == (1, "")
    assert complained.startswith("epipolis: ")
    assert complained.count("\n") == 1
    assert word in complained


def test_a_workbook_with_a_case_is_taken(sent):
    assert json.loads(sent["full.xlsx"][1])["accepted"] == 1
