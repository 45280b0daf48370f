"""Golden files: results that may change only on purpose. `EPIPOLIS_GOLDEN=write pytest` writes them; the diff is reviewed."""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def check_golden(name: str, value: Any) -> None:
    """Compare a value, as JSON, with the file of that name; or write the file where the environment asks for it."""
    path = FOLDER / name
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("EPIPOLIS_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
        return
    assert path.is_file(), f"{name} is missing; write it with EPIPOLIS_GOLDEN=write"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert json.loads(text) == kept, f"{name} differs; if that is meant, write it anew with EPIPOLIS_GOLDEN=write"
