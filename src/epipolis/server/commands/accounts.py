"""`epipolis account`: the first operator of a city, and the way back in when the last one lost the telephone."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from epipolis.server.commands.platform import set_up


class Action(StrEnum):
    """What to do with the account."""

    add = "add"
    reset = "reset"


def account(
    action: Annotated[Action, typer.Argument(help="add: make the account; reset: new password, new second factor.")],
    name: Annotated[str, typer.Argument(help="The account's name, as typed at the sign-in.")],
    role: Annotated[list[str] | None, typer.Option(help="A role to give; may be repeated.")] = None,
    full_name: Annotated[str, typer.Option(help="The person's name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False,
) -> None:
    """Make or reset an account; prints its temporary password this once. Who may run this owns the database anyway."""
    set_up()
    from epipolis.core import accounts, clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.models import User  # noqa: PLC0415 -- Django must be set up first

    at = clock.now()
    if action is Action.add:
        user, password = accounts.make_account(name, role or [], by="command line", at=at, full_name=full_name)
    else:
        found = User.objects.filter(username=name).first()
        if found is None:
            raise LookupError(f"there is no account {name!r}")
        user, password = found, accounts.reset_account(found, by="command line", at=at)
    if as_json:
        print(json.dumps({"username": user.username, "roles": user.role_names, "password": password}))
    else:
        print(f"{user.username} ({', '.join(user.role_names) or 'no role'})")
        print(f"temporary password, shown once: {password}")
