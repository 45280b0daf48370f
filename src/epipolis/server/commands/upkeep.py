"""`epipolis migrate` and `epipolis doctor`: bringing the database up to date, and checking an installation."""

from epipolis.server.commands.platform import set_up


def migrate() -> None:
    """Bring the database's tables up to this version."""
    set_up(migrated=False)
    from django.core.management import call_command  # noqa: PLC0415 -- Django must be set up first

    call_command("migrate", verbosity=1, interactive=False)


def doctor() -> None:
    """Check this installation and say what is wrong."""
    set_up(migrated=False)
