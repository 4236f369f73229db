"""How a command ends: one clear message on standard error and a documented exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click
from singer_sdk.exceptions import ConfigValidationError

from reverse_sf.errors import ConfigurationError, Exit, ReverseSFError

if TYPE_CHECKING:
    from collections.abc import Callable


def run(command: Callable[..., object], name: str) -> NoReturn:
    """Run a click command and end the process with a code of :class:`reverse_sf.errors.Exit`.

    Errors of our own tree and invalid plugin settings become one message; anything else keeps its
    traceback, because it is a defect.
    """
    try:
        # click resolves ``standalone_mode``; without it click would turn our errors into its own.
        code = command(standalone_mode=False)
    except click.exceptions.Abort:
        _fail(name, "interrupted; everything finished so far is kept", Exit.UNEXPECTED)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.CONFIGURATION)
    except ConfigValidationError as error:
        problems = getattr(error, "errors", None) or []
        _fail(name, "invalid settings", Exit.CONFIGURATION, problems or [str(error)])
    except ConfigurationError as error:
        _fail(name, str(error), error.exit_code, error.problems)
    except ReverseSFError as error:
        _fail(name, str(error), error.exit_code)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _fail(
    name: str, message: str, code: Exit, problems: tuple[str, ...] | list[str] = ()
) -> NoReturn:
    lines = [f"{name}: error: {message}", *(f"  - {problem}" for problem in problems)]
    click.echo("\n".join(lines), err=True)
    sys.exit(code)
