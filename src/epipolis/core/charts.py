"""Charts as plain data: what a chart may hold, and the same as a table.

bar, stacked, line   {"kind", "x": […], "series": [{"name", "values": […], "lo"?: […], "hi"?: […]}], "x_title", "y_title"}
                     a series of a bar chart may be `line` (drawn as one) or `hidden` (until its name is chosen)
                     a series of a line chart may have `bands`: [{"name", "lo": […], "hi": […]}], the widest first; be
                     `dashed`, `points` (no line) or `thin`; share a name and a `colour` (a number) with others, its own
                     `label` is then for the table; `mark`: {"x", "name"} draws an upright line through the whole chart;
                     `most`: the top of the chart, beyond which it is cut off
pyramid              the same with two series: the first is drawn to the left
graph                {"kind", "nodes": [{"id", "name", "group"?, "size"?, "url"?}],
                      "links": [{"source", "target", "name"?, "value"?}]}
timeline             {"kind", "bars": [{"row", "start", "end", "label"?, "group"?}]} with moments as datetimes or ISO text
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from epipolis.core import clock


@dataclass(frozen=True)
class Table:
    """A chart's content for people who read tables, and for their programs."""

    header: list[str]
    rows: list[list[Any]]


def table_of(data: Mapping[str, Any]) -> Table:
    """Everything that the chart shows, as a table.

    Raises:
        ValueError: the chart is of no known kind.
    """
    kind = data.get("kind")
    if kind in ("bar", "stacked", "line", "pyramid"):
        return _series_table(data)
    if kind == "graph":
        return _graph_table(data)
    if kind == "timeline":
        return _timeline_table(data)
    raise ValueError(f"no chart of kind {kind!r}")


def _series_table(data: Mapping[str, Any]) -> Table:
    header, columns = [str(data.get("x_title") or "")], []
    for series in data.get("series", ()):
        name = str(series.get("label") or series["name"])
        header.append(name)
        columns.append(series["values"])
        for band, called in [(series, name), *((band, f"{name}, {band['name']}") for band in series.get("bands", ()))]:
            for part, words in (("lo", _("%(name)s, low")), ("hi", _("%(name)s, high"))):
                if part in band:
                    header.append(words % {"name": called})
                    columns.append(band[part])
    rows = [[x, *(c[i] if i < len(c) else None for c in columns)] for i, x in enumerate(data.get("x", ()))]
    return Table(header, rows)


def _graph_table(data: Mapping[str, Any]) -> Table:
    names = {node["id"]: node.get("name", node["id"]) for node in data.get("nodes", ())}
    rows = [
        [names.get(x["source"], x["source"]), names.get(x["target"], x["target"]), x.get("name", x.get("value", ""))]
        for x in data.get("links", ())
    ]
    return Table([_("From"), _("To"), _("How")], rows)


def _timeline_table(data: Mapping[str, Any]) -> Table:
    rows = [[b["row"], b.get("label", ""), _shown(b["start"]), _shown(b["end"])] for b in data.get("bars", ())]
    return Table([_("Who"), _("Where"), _("From"), _("Until")], rows)


def _shown(moment: datetime | str) -> str:
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if found.tzinfo:
        found = timezone.localtime(found, clock.zone())
    return formats.date_format(found, "Y-m-d H:i")
