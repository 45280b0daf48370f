"""The peers live in `.venv-peers`, made on first use from the hashed `benchmarks/peers/requirements.txt`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers"
PYTHON = PEERS / "bin" / "python"
SCRIPTS = HERE / "peers"


def install_peers() -> None:
    """Make `.venv-peers`, unless it is there, and bring it to the locked versions."""
    uv = Path(sys.executable).parent / "uv"
    if not PYTHON.exists():
        subprocess.run([uv, "venv", "-q", "--python", "3.11", PEERS], check=True)
    wanted = ["--require-hashes", "-r", SCRIPTS / "requirements.txt"]
    subprocess.run([uv, "pip", "install", "-q", "--python", PYTHON, *wanted], check=True)
