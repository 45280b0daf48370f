"""Commands called as a person calls them, in this process; a mistake of ours is raised, not hidden in an exit code."""

import typer
from typer.testing import CliRunner


def runner(*commands):
    """A function that calls the one command, or one of several by its name first."""
    app = typer.Typer()
    for command in commands:
        app.command()(command)

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke
