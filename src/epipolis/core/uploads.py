"""Uploaded tables: kept under a name of no meaning, only as long as an import needs them."""

import os
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.database import home
from epipolis.core.imports import Importer, ImportOptions, read_rows
from epipolis.core.models import User
from epipolis.core.modules import Task, modules
from epipolis.core.work import Progress

KINDS = ("csv", "tsv", "txt", "xlsx", "xls", "ods", "json", "ndjson", "jsonl", "parquet")
_KEEP = timedelta(days=2)  # time to look at a dry run and decide
_NAME = re.compile(rf"[0-9a-f]{{32}}\.({'|'.join(KINDS)})")


def keep_upload(file: UploadedFile, *, at: datetime) -> str:
    """Store an uploaded table and return the name by which it is found again.

    Raises:
        ValueError: its name ends in no kind of table that can be read.
    """
    kind = Path(file.name or "").suffix.lstrip(".").lower()
    if kind not in KINDS:
        raise ValueError(f"a table ends in one of {', '.join('.' + name for name in KINDS)}")
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{uuid4().hex}.{kind}"
    with (folder() / name).open("wb") as out:
        out.writelines(file.chunks(1 << 20))
    os.utime(folder() / name, (at.timestamp(), at.timestamp()))  # its age is counted by the platform's clock
    return name


def upload(name: str) -> Path:
    """An upload's file.

    Raises:
        ValueError: there is none of this name any more.
    """
    path = folder() / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise ValueError("The file is no longer kept. Rows that were imported are stored; importing again changes nothing.")
    return path


def columns_of(name: str) -> list[str]:
    """The names of an upload's columns.

    Raises:
        ValueError: it is gone or no table.
    """
    first = next(read_rows(upload(name)), None)
    return [column for column in first[1] if column] if first else []


def forget_upload(name: str) -> None:
    upload(name).unlink()


def forget_old_uploads(*, at: datetime) -> int:
    """Erase uploads that nobody imported in time; return how many."""
    if not folder().is_dir():
        return 0
    old = [path for path in folder().iterdir() if path.stat().st_mtime < (at - _KEEP).timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def folder() -> Path:
    return home() / "uploads"


def free_space() -> int:
    """Bytes that an upload may still take: a tenth of the disk stays for the database."""
    usage = shutil.disk_usage(home())
    return max(0, usage.free - usage.total // 10)


def importer_named(name: str) -> Importer | None:
    return next((found for module in modules().values() for found in module.importers if found.name == name), None)


def run_import(
    progress: Progress,
    *,
    importer: str,
    file: str,
    source: str,
    by: int,
    mapping: str | dict[str, str] | None = None,
    dry_run: bool = True,
    simulated: bool = False,
    match: bool = True,
    tell: bool = False,
) -> dict[str, Any]:
    """The task behind the import page; after a real run the file is erased. Safe to run twice, as importers are.

    Raises:
        ValueError: no such importer, or the file is gone or unreadable.
    """
    found = importer_named(importer)
    if found is None:
        raise ValueError(f"there is no importer {importer!r}")
    path = upload(file)
    options = ImportOptions(
        by=User.objects.get(pk=by),
        at=clock.now(),
        mapping=mapping,
        dry_run=dry_run,
        simulated=simulated,
        source=source,
        match=match,
        tell=tell,
        progress=progress,
    )
    try:
        report = found.run(path, options).to_json()
    except ValueError as error:  # its own name stands above the message; the one under which it is kept tells nobody anything
        raise ValueError(str(error).removeprefix(f"{path.name}: ")) from error
    if not dry_run:
        forget_upload(file)
    return report


IMPORT = Task("core.import", gettext_noop("Import a table"), run_import, needs="core.import")
"""Not to be started by name from outside: the import page asks for the importer's own permission instead."""
