"""The command line `epipolis`. Exit code 0: done; 1: it could not be done; 2: the command was wrong."""

import os
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec

import typer

warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
COMMANDS = {  # command → file in `commands`; each file defines a function of the same name
    "demo": "demo",
    "serve": "serve",
    "worker": "serve",
    "mllp": "mllp",
    "devices": "devices",
    "migrate": "upkeep",
    "load": "tables",
    "import": "tables",
    "export": "tables",
    "messages": "messages",
    "trace": "trace",
    "classify": "classify",
    "simulate": "simulate",
    "compare": "compare",
    "calibrate": "calibrate",
    "prove": "prove",
    "rt": "rt",
    "nowcast": "nowcast",
    "score": "score",
    "beds": "beds",
    "alarms": "alarms",
    "forecast": "forecast",
    "fence": "fence",
    "backup": "backups",
    "restore": "backups",
    "doctor": "upkeep",
    "modules": "overview",
    "flow": "overview",
    "account": "accounts",
}


def main() -> None:
    """Run the command that the shell asked for; the platform is only set up for a command that needs it."""
    app = typer.Typer(
        name="epipolis",
        help="See, understand, fight and explain an epidemic.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    if find_spec("django") is None:
        sys.exit("This is epipolis without its platform. Install epipolis[server] for the commands.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "epipolis.server.settings")
    for name, file in COMMANDS.items():
        module = import_module(f"epipolis.server.commands.{file}")
        app.command(name)(getattr(module, "import_" if name == "import" else name))
    try:
        app()
    except (ValueError, LookupError, OSError) as error:
        sys.exit(f"epipolis: {error}")
