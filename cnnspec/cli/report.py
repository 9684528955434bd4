"""report: one page about a run, or about several beside each other."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from cnnspec.cli.console import err, out, print_line, report_problems
from cnnspec.cli.options import data_root_option, device_option, output_option, threads_option
from cnnspec.errors import Place, Problem, one_line, printable

if TYPE_CHECKING:
    from cnnspec.report.evidence import Evidence

DEFAULT = "report.html"

SUFFIXES = (".html", ".htm")

DIGITS = 12
"""Digits of a test picture's number at most."""


@click.command(short_help="A page about runs: curves, mistakes, filters.")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@output_option(
    *SUFFIXES,
    kind="HTML",
    default=f"{DEFAULT} in the RUN, or here for several",
    because="the report is HTML",
)
@click.option(
    "--picture",
    metavar="FILE|N",
    default="0",
    show_default=True,
    help="Picture whose feature maps are shown: a file, or the number of a test picture.",
)
@device_option
@threads_option
@data_root_option
def report(
    runs: tuple[str, ...],
    output: Path | None,
    picture: str,
    *,
    device: str,
    threads: int | None,
    data_root: str | None,
) -> None:
    """Write one HTML file about a RUN, or about several beside each other, to be looked at in a browser.

    It is loaded without any other file, and has what the numbers say, and what to change next; the
    network's picture and summary; the curves of loss, accuracy and learning rate; the confusion matrix
    and each class's scores; the mistakes that the network was surest of, as pictures; the filters of its
    first convolution and what they make of a picture; spec and environment. Of several runs, it also
    shows the curves on one plot, what differs between their specs, and which is the best.

    Each network is tested with the weights of its best epoch. Where its weights or its data cannot be
    had, the report says so, and has the rest.
    """
    from cnnspec.report.plot import check_matplotlib
    from cnnspec.training.record import read_record

    check_matplotlib()
    records = [read_record(run) for run in _each_once(runs)]
    path = output or (records[0].folder / DEFAULT if len(records) == 1 else Path(DEFAULT))

    from cnnspec.report import page
    from cnnspec.report.evidence import Gatherer
    from cnnspec.training.device import choose
    from cnnspec.training.files import write_whole
    from cnnspec.training.threads import Fixed

    Fixed(threads)
    gatherer = Gatherer(choose(device), data_root, _chosen(picture), _notice)
    found = [gatherer.gather(record) for record in records]
    report_problems(_warnings(found))
    text = page.html(found).encode()
    write_whole(path, text)
    names = ", ".join(str(record.folder) for record in records)
    print_line(out(), Text(one_line(f"{path}: the report of {names}, {len(text) / 1e6:.1f} MB")))


def _warnings(runs: Sequence["Evidence"]) -> Iterator[Problem]:
    """Yield what the report lacks, and why."""
    for run in runs:
        for problem in run.missing:
            place = problem.place or Place(str(run.record.folder))
            what = f"the report has no test of the network: {problem.what}"
            yield replace(problem, severity="warning", what=what, place=place)


def _each_once(runs: tuple[str, ...]) -> list[str]:
    """Return the runs without those that are named again."""
    found: dict[str, str] = {}
    for run in runs:
        found.setdefault(os.path.abspath(run), run)  # noqa: PTH100  # pathlib keeps the dots
    return list(found.values())


def _chosen(picture: str) -> Path | int:
    """Return what is meant: a file, or the number of a test picture if no file has that name."""
    is_number = picture.isascii() and picture.isdecimal() and len(picture) <= DIGITS
    return int(picture) if is_number and not Path(picture).exists() else Path(picture)


def _notice(text: str) -> None:
    print_line(err(), Text(printable(text)))
