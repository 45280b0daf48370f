from datetime import datetime

import pytest

from epipolis.engines.messages import RESULT_COLUMNS, LabReport, MessageError, read_results_table

from .written import ZONE

GOOD = {
    "message_id": "R1",
    "order": "F1",
    "laboratory": "City Lab",
    "patient_id": "A123456789",
    "patient_id_kind": "national_id",
    "family_name": "王",
    "given_name": "小明",
    "birth_date": "198003",
    "sex": "m",
    "test_code": "94500-6",
    "result": "Detected",
    "status": "C",
    "sampled": "20260104",
    "reported": "2026-01-05 12:00",
    "lot": "L7",
    "onset": "",
}
NAMES = [column.name for column in RESULT_COLUMNS]


def read(*rows, names=None):
    names = names or NAMES
    return list(read_results_table([names, *[[row.get(name, "") for name in names] for row in rows]], ZONE, sender="lab-7"))


def test_a_row_is_a_report():
    (report,) = read(GOOD)
    assert (report.message_id, report.sender, report.laboratory, report.order) == ("R1", "lab-7", "City Lab", "F1")
    assert (report.patient.identifiers, report.patient.birth, report.patient.sex) == (
        (("national_id", "A123456789", ""),),
        (1980, 3, None),
        "M",
    )
    (finding,) = report.findings
    assert (finding.kind, finding.disease, finding.result, finding.status, finding.lot) == (
        *("pcr", "COVID-19", "positive", "corrected", "L7"),
    )
    assert (report.specimen.taken_at, report.specimen.days_only) == (datetime(2026, 1, 4, tzinfo=ZONE), ("taken_at",))
    assert (report.reported_at, report.days_only) == (datetime(2026, 1, 5, 12, tzinfo=ZONE), ())
    assert report.onset is None


def test_a_heading_may_have_its_columns_in_any_order_and_a_table_without_one_has_ours():
    turned = [*reversed(NAMES), "Remark of ours"]
    assert read(GOOD, names=turned) == read(GOOD)
    (bare,) = read_results_table([[GOOD.get(name, "") for name in NAMES]], ZONE, sender="lab-7")
    assert bare == read(GOOD)[0]
    titles = [name.replace("_", " ").title() for name in NAMES]
    assert next(read_results_table([titles, [GOOD.get(name, "") for name in NAMES]], ZONE, sender="lab-7")) == bare


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("message_id", ""),
            ("family_name", ""),
            ("result", ""),
            ("birth_date", "14.03.80"),
            ("sex", "male?"),
            ("sampled", "soon"),
        ),
        *(("onset", "20261301"), ("status", "Z"), ("kind", "blood")),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_and_the_others_are_read(column, value):
    first, second, third = read(GOOD, GOOD | {column: value}, GOOD)
    assert isinstance(first, LabReport)
    assert isinstance(third, LabReport)
    assert isinstance(second, MessageError)
    assert second.where == f"row 3 {column}"


def test_a_result_in_unknown_words_is_kept_and_marked():
    (report,) = read(GOOD | {"result": "see letter"})
    assert (report.findings[0].result, report.findings[0].value) == ("", "see letter")
    assert [mark.where for mark in report.marks] == ["row 2 result"]


def test_a_code_of_ones_own_says_its_kind_and_disease():
    (report,) = read(GOOD | {"test_code": "X1", "test_system": "L", "kind": "antigen", "disease": "Measles"})
    assert (report.findings[0].kind, report.disease) == ("antigen", "Measles")
    (known,) = read(GOOD | {"kind": "antigen", "disease": "Measles"})
    assert (known.findings[0].kind, known.disease) == ("pcr", "COVID-19")


def test_a_heading_that_lacks_a_column_is_refused():
    with pytest.raises(MessageError, match="lacks message_id, test_code"):
        read(GOOD, names=[name for name in NAMES if name not in ("message_id", "test_code")])
    with pytest.raises(MessageError, match="names a column twice"):
        read(GOOD, names=[*NAMES, "order"])


def test_a_row_with_more_cells_than_columns_is_refused_and_an_empty_one_passed_over():
    made = list(read_results_table([NAMES, [""] * 3, [*[GOOD.get(name, "") for name in NAMES], "more"]], ZONE))
    assert [one.where for one in made] == ["row 3"]
