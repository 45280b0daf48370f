"""Every suppression says why: `noqa`, `type: ignore` and `pragma` end with ` -- reason`."""

import re
import subprocess
import sys
from pathlib import Path

SUPPRESSION = re.compile(r"#\s*(noqa|type: ignore|pragma)\b")
REASON = re.compile(r" -- \w")


def unexplained(root: Path) -> list[str]:
    """File and line of each suppression without a reason."""
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=root, capture_output=True, text=True, check=True
    )
    return [
        f"{name}:{number}"
        for name in files.stdout.split()
        if name != "tests/suppressions.py" and (root / name).exists()
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), start=1)
        if (found := SUPPRESSION.search(line)) and not REASON.search(line[found.start() :])
    ]


if __name__ == "__main__":
    found = unexplained(Path(__file__).parents[1])
    sys.exit("suppressions without a reason (` -- why`):\n" + "\n".join(found) if found else 0)
