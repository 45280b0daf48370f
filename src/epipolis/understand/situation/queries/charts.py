"""What the charts show, in the words of the reader's language."""

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from epipolis.sense.cases.models import Classification
from epipolis.understand.situation.queries.picture import Picture
from epipolis.understand.situation.queries.published import Published
from epipolis.understand.situation.queries.tables import age_table, curve_table

Chart = dict[str, Any]


def curve_chart(picture: Picture) -> Chart:
    """The epidemic curve: by onset, by sample, by report, and the seven-day mean of reports."""
    rows = curve_table(picture)
    return {
        "kind": "bar",
        "x": [row["day"].isoformat() for row in rows],
        "x_title": _("day"),
        "y_title": _("confirmed cases"),
        "series": [
            {"name": _("by onset of illness"), "values": [row["onset"] for row in rows]},
            {"name": _("by sample"), "values": [row["sampled"] for row in rows], "hidden": True},
            {"name": _("by report"), "values": [row["reported"] for row in rows]},
            {"name": _("reported, mean of 7 days"), "values": [row["reported_7_day_mean"] for row in rows], "line": True},
        ],
    }


def age_chart(picture: Picture) -> Chart:
    """The age pyramid of confirmed cases."""
    rows = [row for row in age_table(picture) if row["age_from"] is not None]
    return {
        "kind": "pyramid",
        "x": [f"{row['age_from']}–{row['age_to']}" if row["age_to"] else f"{row['age_from']}+" for row in rows],
        "x_title": _("age"),
        "y_title": _("confirmed cases"),
        "series": [
            {"name": _("female"), "values": [row["female"] for row in rows]},
            {"name": _("male"), "values": [row["male"] for row in rows]},
        ],
    }


def week_chart(release: Published) -> Chart:
    """The published cases of each whole week over all districts whose count is shown."""
    columns = zip(*(row["counts"] for row in release.districts), strict=True)
    return {
        "kind": "bar",
        "x": [date_format(week, "SHORT_DATE_FORMAT") for week in release.weeks],
        "x_title": _("week from"),
        "y_title": _("confirmed cases"),
        "series": [{"name": _("cases in districts that are shown"), "values": [sum(c or 0 for c in col) for col in columns]}],
    }


def class_counts(picture: Picture) -> list[tuple[str, int]]:
    """How many records of each classification there are."""
    return [(str(label), picture.by_class.get(value, 0)) for value, label in Classification.choices]
