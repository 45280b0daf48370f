"""One shape for all benchmarks: several runs of ours and of a peer, the medians side by side, kept as JSON.

    report = Report("tracing")
    report.row("find contacts", ours=[0.2, 0.21], peer=[0.8, 0.9], unit="s", peer_name="Polars")
    report.save()

`ratio` is peer / ours where less is better (seconds, MiB) and ours / peer where more is better (a unit ending in
"/s", or "share found"): above 1, ours is ahead. A row without a peer has no ratio.
"""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


class Report:
    """The rows of one benchmark; `save` writes `benchmarks/results/<name>.json` and prints them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[dict[str, Any]] = []

    def row(
        self, what: str, ours: Sequence[float], peer: Sequence[float] = (), *, unit: str = "s", peer_name: str = ""
    ) -> None:
        """Add a measurement: the values of every run, in `unit`."""
        own, other = median(ours), median(peer) if peer else None
        ratio = None if other is None else own / other if unit.endswith("/s") or unit == "share found" else other / own
        self.rows.append(
            {
                "what": what,
                "ours": own,
                "peer": other,
                "peer_name": peer_name,
                "unit": unit,
                "ratio": ratio,
                "runs": {"ours": list(ours), "peer": list(peer)},
            }
        )

    def save(self) -> Path:
        """Write the rows and print them; give the path of the file."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        machine = {"processors": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        path.write_text(json.dumps({"name": self.name, "machine": machine, "rows": self.rows}, indent=2) + "\n")
        table = Table(title=self.name)
        for heading in ("what", "ours", "peer", "unit", "ratio"):
            table.add_column(heading, justify="left" if heading in ("what", "unit") else "right")
        for row in self.rows:
            table.add_row(
                row["what"],
                _spread(row["runs"]["ours"]),
                f"{row['peer_name']} {_spread(row['runs']['peer'])}" if row["runs"]["peer"] else "",
                row["unit"],
                "" if row["ratio"] is None else f"{row['ratio']:.2f}x",
            )
        Console(width=120).print(table)
        return path


def _spread(values: Sequence[float]) -> str:
    """Give the median and, behind it, the lowest and highest value."""
    return f"{median(values):.4g} ({min(values):.4g}-{max(values):.4g})"
