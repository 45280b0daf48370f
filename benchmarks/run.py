"""`make bench` runs every benchmark in turn, `make bench ONLY=name` one; each writes benchmarks/results/<name>.json."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run the wanted benchmarks, or all; the exit code is that of the worst."""
    found = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run" and not path.stem.startswith("_"))
    if unknown := set(wanted) - set(found):
        sys.stderr.write(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(found)}\n")
        return 2
    return max(subprocess.run([sys.executable, HERE / f"{name}.py"], check=False).returncode for name in wanted or found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
