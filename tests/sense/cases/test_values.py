from datetime import date
from zoneinfo import ZoneInfo

import pytest

from epipolis.sense.cases.services.mappings import choose, fold, guess, read_mapping, ready
from epipolis.sense.cases.services.values import (
    CellError,
    day_order,
    is_ambiguous,
    is_empty,
    read_age,
    read_birth_year,
    read_day,
)

TAIPEI = ZoneInfo("Asia/Taipei")
DAY = date(2020, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-31",
        "20200131",
        "2020/1/31",
        "2020.01.31",
        "31/01/2020",
        "31-1-2020",
        "31.01.2020",
        "109/01/31",
        "109-1-31",
        "109年1月31日",
        "民國109年1月31日",
        "2020年1月31日",
        "43861",
        "43861.5",
        "2020-01-31T08:00:00",
        "2020-01-31 23:59",
        "2020-01-30T16:00:00Z",
        "2020-01-31T02:00:00+08:00",
        "31 Jan 2020",
        "January 31, 2020",
        "31 de enero de 2020",
        "31-ene-2020",
        "31/01/2020 14:30",
    ],
)
def test_a_day_is_read_as_offices_write_it(text):
    assert read_day(text, TAIPEI) == DAY


def test_the_month_comes_first_where_the_column_says_so():
    assert read_day("03/04/2020", TAIPEI, True) == date(2020, 4, 3)
    assert read_day("03/04/2020", TAIPEI, False) == date(2020, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2020-02-30",
        "32/01/2020",
        "2020-13-01",
        "31/01/20",
        "1/2",
        "0",
        "99999999999999999999",
        "2020-01",
        "=TODAY()",
        "9999-12-31",
        "0001-01-01",
        "1849-12-31",
        "2020-01-31x",
        "12345",
        "9999-12-31T23:59:59-12:00",
        "٣١/٠١/٢٠٢٠x",
    ],
)
def test_what_is_no_day_is_said_to_be_none(text):
    with pytest.raises(CellError):
        read_day(text, TAIPEI)


def test_a_day_in_the_other_order_than_its_column_is_named():
    with pytest.raises(CellError, match="another order"):
        read_day("01/31/2020", TAIPEI, True)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["31/01/2020", "01/02/2020"], True),
        (["01/31/2020"], False),
        (["01/02/2020"], None),
        (["31/01/2020", "01/31/2020"], None),
        (["2020-01-31"], None),
        ([], None),
    ],
)
def test_the_order_of_a_column_follows_from_days_above_twelve(cells, order):
    assert day_order(cells) is order


def test_only_days_that_read_two_ways_are_ambiguous():
    assert [is_ambiguous(text) for text in ("01/02/2020", "02/02/2020", "13/02/2020", "2020-01-02")] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("34", (34, 34)),
        ("0", (0, 0)),
        ("120", (120, 120)),
        ("34.5", (34, 34)),
        ("34 years", (34, 34)),
        ("34 años", (34, 34)),
        ("34歲", (34, 34)),
        ("50s", (50, 59)),
        ("0s", (0, 9)),
        ("50代", (50, 59)),
        ("50-59", (50, 59)),
        ("50 – 59", (50, 59)),
        ("5 to 9", (5, 9)),
        ("80+", (80, None)),
        ("≥80", (80, None)),
        (">80", (81, None)),
        ("80 and over", (80, None)),
        ("80歲以上", (80, None)),
        ("<1", (0, 0)),
        ("<5", (0, 4)),
        ("3 months", (0, 0)),
        ("18 months", (1, 1)),
        ("3m", (0, 0)),
        ("6 weeks", (0, 0)),
        ("3 個月", (0, 0)),
        ("2 meses", (0, 0)),
        ("３４", (34, 34)),
    ],
)
def test_an_age_is_read_as_years_from_and_to(text, band):
    assert read_age(text) == band


@pytest.mark.parametrize("text", ["None", "old", "121", "-1", "999", "50-40", "1e3", "5000s", "2147483648", "='34'"])
def test_what_is_no_age_is_said_to_be_none(text):
    with pytest.raises(CellError):
        read_age(text)


def test_a_year_of_birth_may_be_counted_from_the_republic():
    assert [read_birth_year(text) for text in ("1964", "53")] == [1964, 1964]
    for text in ("64x", "12345", "00000", "9999", "²"):
        with pytest.raises(CellError):
            read_birth_year(text)


def test_cells_that_only_say_that_nothing_is_known():
    assert [is_empty(text) for text in ("", "-", "NA", "n/a", "NaN", "不詳", "None", "no", "0")] == [True] * 6 + [False] * 3


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Case ID,Sex,Age,Date of onset,Report Date,Status", "source_key,sex,age,onset,reported,outcome"),
        ("caseNumber,gender,age_group,symptom_onset_date,Confirmed-Date", "source_key,sex,age,onset,confirmed"),
        ("Número de caso,Sexo,Edad,Fecha de inicio de síntomas,Municipio", "source_key,sex,age,onset,city"),
        ("編號,性別,年齡,發病日,確診日,行政區,備註", "source_key,sex,age,onset,confirmed,district,note"),
    ],
)
def test_columns_are_guessed_by_their_names_in_three_languages(header, fields):
    columns = header.split(",")
    assert list(guess(columns, []).columns.values()) == fields.split(",")


def test_columns_are_guessed_by_what_stands_in_them():
    sample = [
        {"k": f"C{n}", "which": "confirmado", "how": "fallecido", "g": "FM"[n % 2], "my onset day": f"2020-01-0{n + 1}"}
        for n in range(9)
    ]

    found = guess(list(sample[0]), sample).columns

    assert found == {
        "which": "classification",
        "how": "outcome",
        "g": "sex",
        "my onset day": "onset",
        "k": "source_key",
    }


def test_a_status_column_is_what_its_words_say():
    sample = [{"id": "1", "status": "suspected"}, {"id": "2", "status": "confirmed"}]
    assert guess(["id", "status"], sample).columns["status"] == "classification"


def test_a_ready_mapping_is_found_by_the_columns_of_its_file():
    columns = [*ready()["korea_ds4c"].columns, "global_num", "infection_order"]
    assert choose(None, columns, []).name == "korea_ds4c"
    assert choose(None, ["from", "to", "exposure", "diff_dt_onset"], []).name == "mers_korea_2015_contacts"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("none", "no mapping 'none'"),
        ({"a": "colour"}, "'colour' is no field"),
        ({"b": "source_key"}, "no column is known to hold the number"),
        ({"a": "source_key", "c": "source_key"}, "two columns cannot both be source_key"),
        ({"columns": {"a": "source_key"}, "days": "sometimes"}, "days must be"),
        ({"columns": {"a": "source_key"}, "colour": 1}, "has no part 'colour'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(wanted, message):
    with pytest.raises(ValueError, match=message):
        choose(wanted, ["a", "c"], [])


def test_every_ready_mapping_is_whole():
    assert sorted(ready()) == ["epipolis", "korea_ds4c", "mers_korea_2015", "mers_korea_2015_contacts"]
    assert all("source_key" in mapping.columns.values() for mapping in ready().values())


def test_an_own_mapping_may_be_only_columns_and_fields():
    assert read_mapping({"a": "source_key", "b": ""}).columns == {"a": "source_key"}


def test_names_are_compared_without_case_accents_and_signs():
    assert fold("Fecha_de-Defunción ") == fold("fecha de defuncion") == "fecha de defuncion"
    assert fold("dateOfOnset") == "date of onset"
