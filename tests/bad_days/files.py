"""Line lists and visits as a city would send them, about the days before today."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from .conftest import Installation

ZONE = ZoneInfo("Asia/Taipei")


def today() -> datetime:
    return datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0)


def write_cases(path: Path, count: int) -> Path:
    """Confirmed cases K-0, K-1, …, ill since two days."""
    onset, confirmed = (today() - timedelta(days=2)).date(), (today() - timedelta(days=1)).date()
    lines = [f"K-{n},{'FM'[n % 2]},{20 + n % 60},{onset},{confirmed},confirmed" for n in range(count)]
    path.write_text("\n".join(["number,sex,age,date of onset,confirmation date,classification", *lines]), encoding="utf-8")
    return path


def write_places(path: Path, count: int) -> Path:
    """Restaurants P-0, P-1, …"""
    lines = [f"P-{n},Kitchen {n},restaurant,{121.5 + n / 1e4},25.03" for n in range(count)]
    path.write_text("\n".join(["code,name,kind,lon,lat", *lines]), encoding="utf-8")
    return path


def write_visits(path: Path, people: int, places: int) -> Path:
    """Each of the people at one of the places yesterday at noon, for an hour; at each place they all meet."""
    noon = today() - timedelta(days=1)
    stay = f"{noon.isoformat()},{(noon + timedelta(hours=1)).isoformat()}"
    lines = [f"K-{n},P-{n % places},{stay}" for n in range(people)]
    path.write_text("\n".join(["person,place,arrived,left", *lines]), encoding="utf-8")
    return path


def write_check_ins(path: Path, people: int, places: int) -> Path:
    """The same by phones without a name."""
    noon = today() - timedelta(days=1)
    stay = f"{noon.isoformat()},{(noon + timedelta(hours=1)).isoformat()}"
    lines = [f"{UUID(int=n + 1)},P-{n % places},{stay}" for n in range(people)]
    path.write_text("\n".join(["visitor,place,arrived,left", *lines]), encoding="utf-8")
    return path


_TAKE = """
from pathlib import Path
from epipolis.core import clock, uploads
from epipolis.core.imports import ImportOptions
options = ImportOptions(by="test", at=clock.now(), source="office")
ANSWER = [uploads.importer_named(name).run(Path(file), options).created for name, file in ARGUMENTS["files"]]
"""


def take(city: "Installation", files: Mapping[str, Path]) -> list[int]:
    """Import files in one process, which is quicker than one command each; return how many rows of each are new."""
    created: list[int] = city.python(_TAKE, files=[(name, str(path)) for name, path in files.items()])
    return created
