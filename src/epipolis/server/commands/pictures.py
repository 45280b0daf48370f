"""Curves as pictures: in the terminal, and as PNG or SVG."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from epipolis.server.commands.simulations import whole_file

_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")  # Okabe and Ito: told apart by everybody
_SCRIPTS = (
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
    "Noto Sans TC",
    "Source Han Sans TC",
    "WenQuanYi Zen Hei",
    "Microsoft JhengHei",
)
WIDTH, HEIGHT = 72, 9
Band = tuple[Sequence[float], Sequence[float], Sequence[float]]  # low, median, high


def in_terminal(values: Sequence[float], dates: Sequence[date], *, title: str) -> str:
    """A curve in block characters, its peak written beside it."""
    bins = _bins(list(values))
    top = max(bins, default=0) or 1
    scale = f"{max(values, default=0):,.0f}"
    lines = [title]
    for row in range(HEIGHT - 1, -1, -1):
        levels = (round((value / top * HEIGHT - row) * 8) for value in bins)
        picture = "".join(_BLOCKS[min(8, max(0, level))] for level in levels)
        label = scale if row == HEIGHT - 1 else "0" if not row else ""
        lines.append(f"{label:>10} │{picture}")
    first, last = dates[0].isoformat(), dates[-1].isoformat()
    lines.append(" " * 11 + "└" + "─" * len(bins))
    lines.append(" " * 12 + first + " " * max(1, len(bins) - len(first) - len(last)) + last)
    return "\n".join(lines)


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """A curve in one line."""
    bins = _bins(list(values), width)
    top = max(bins, default=0) or 1
    return "".join(_BLOCKS[min(8, max(1 if value else 0, round(value / top * 8)))] for value in bins)


def _bins(values: list[float], width: int = WIDTH) -> list[float]:
    """Means of neighbouring days, so that the curve fits; a short one is stretched."""
    count = len(values)
    if count < width:
        return [values[position * count // width] for position in range(width)] if values else []
    edges = [position * count // width for position in range(width + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def draw(path: Path, panels: Mapping[str, Mapping[str, Band]], dates: Sequence[date], *, note: str) -> None:
    """Panels below each other: each a title with the bands of one or more curves.

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib import dates as calendar  # noqa: PLC0415 -- heavy, and only pictures need it
        from matplotlib import font_manager, rc_context  # noqa: PLC0415 -- heavy, and only pictures need it
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 -- heavy, and only pictures need it
        from matplotlib.figure import Figure  # noqa: PLC0415 -- heavy, and only pictures need it
    except ImportError as error:
        raise ValueError("--plot needs matplotlib, which is not installed") from error
    figure: Any = Figure(figsize=(9, 2.6 * len(panels) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for number, (name, (low, middle, high)) in enumerate(curves.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            if list(low) != list(high):
                axis.fill_between(dates, low, high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(dates, middle, color=colour, linewidth=1.8, label=name)
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_ylim(bottom=0)
        axis.grid(axis="y", color="#e1e6ec")
        axis.spines[["top", "right"]].set_visible(False)
        axis.yaxis.set_major_formatter(lambda value, _position: f"{value:,.10g}")  # a number such as 0.5 as well
        if len(curves) > 1:
            axis.legend(frameon=False, fontsize=9)
    locator = calendar.AutoDateLocator(maxticks=9)
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(calendar.ConciseDateFormatter(locator))
    figure.supxlabel(note, fontsize=8, color="#5a6675")
    there = [name for name in _SCRIPTS if name in font_manager.get_font_names()]
    with whole_file(path) as partial, rc_context({"font.family": ["DejaVu Sans", *there]}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # no font of this machine has the script of a name
        figure.savefig(partial, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
