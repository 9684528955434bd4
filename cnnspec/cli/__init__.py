"""The command line: parse, call, render; nothing else."""

import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from cnnspec import __version__
from cnnspec.cli.console import report_crash, report_problems
from cnnspec.cli.lazy import LazyGroup
from cnnspec.errors import CnnspecError, Problem
from cnnspec.plugins.announced import announcements

COMMANDS = {
    "summary": "inspect",
    "explain": "explain",
    "draw": "draw",
    "check": "inspect",
    "layers": "vocabulary",
    "schema": "schema",
    "new": "new",
    "data": "data",
    "train": "train",
    "evaluate": "use",
    "predict": "use",
    "apply": "apply",
    "report": "report",
    "export": "export",
    "import": "import_",
    "runs": "runs",
}
"""Each command by the module that holds it, in the order of the help; modules are imported when called."""


# Searching all installed packages for pydantic plugins would take a tenth of a command's time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


class Terminated(KeyboardInterrupt):
    """The process was asked to end; it stops as cleanly as after Ctrl-C."""

    signal = signal.SIGTERM


@click.group(cls=LazyGroup, modules=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnspec")
@click.option(
    "--plugin",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Use the layers that a Python module defines, as `import` finds it or in the working folder.",
)
def cli(modules: tuple[str, ...]) -> None:
    """Convolutional networks written in YAML: checked, explained, built in PyTorch and trained.

    Start with `cnnspec summary SPEC` and `cnnspec train SPEC`.
    """
    if modules:
        # After all that is installed, so that no file that lies here by chance stands in for a part of that.
        sys.path.append(str(Path.cwd()))
    if modules or announcements():
        from cnnspec.plugins import loading

        for module in modules:
            loading.use(module)
        report_problems(loading.installed_problems())


def main() -> NoReturn:
    """Run the command line; the process exits with 0, 1, 2, 130 or 143 and never with a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(20_000)  # modules are loaded, and little of that is ever garbage
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Where output is not UTF-8, a sign such as × becomes a question mark, not an error.
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        result = cli.main(arguments, prog_name="cnnspec", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption) and error.option_name == "--plugin":
            what = "--plugin stands before the command: cnnspec --plugin MODULE COMMAND."
            error = click.UsageError(what, error.ctx)
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns every KeyboardInterrupt into its Abort. Those that come of a signal know which one.
        number: int = getattr(error.__cause__ or error, "signal", signal.SIGINT)
        return 128 + number
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its exit
        return 0
    except (CnnspecError, OSError) as error:
        report_problems(_problems_of(error))
        return 1
    except Exception as error:  # noqa: BLE001  # the last resort: whatever it is, no traceback
        report_crash(error)
        return 1
    return result if isinstance(result, int) else 0


def _problems_of(error: CnnspecError | OSError) -> Sequence[Problem]:
    if isinstance(error, CnnspecError):
        return error.problems
    # What commands open and read has errors of its own: this is a full disk, or a device that is gone.
    what = f"cannot read or write {error.filename or 'the output'}"
    return [Problem(what, error.strerror or type(error).__name__)]


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
