"""The two consoles: results on standard output, progress and errors on standard error."""

import codecs
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from cnnspec.errors import SHOWN_LINE, Problem, is_visible

MARGIN = 5
"""Columns that a message's source line is indented by, and one to spare."""

PIPED_WIDTH = 200
"""Columns where output is no terminal: wide enough that no table is cut."""


def out() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for progress and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=PIPED_WIDTH)
    if (
        not console.file.isatty()
    ):  # FORCE_COLOR asks for colours in a file, not for lines drawn again and again
        console.is_interactive = False
    return console


def out_encoding() -> str:
    """Return the encoding of standard output, as Python calls it."""
    return codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name


def print_line(console: Console, text: Text) -> None:
    """Print a text, broken between words where a terminal is too narrow for it, else as one line."""
    console.print(text, soft_wrap=not console.is_terminal)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    import json

    # Control and invisible characters could steer a terminal, and lone surrogates are not in UTF-8.
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print_text("".join(c if c == "\n" or is_visible(c) else json.dumps(c)[1:-1] for c in text) + "\n")


def print_text(text: str) -> None:
    """Print a text on standard output as it is."""
    click.echo(text, nl=False)


def report_problems(problems: Iterable[Problem]) -> None:
    """Print problems on standard error, in the one form of every message."""
    console = err()
    for problem in problems:
        text = Text()
        if problem.place:
            text.append(f"{problem.place}: ", style="bold")
        if problem.severity == "warning":
            text.append("warning: ", style="yellow")
        print_line(console, text.append(problem.message))
        width = min(SHOWN_LINE, console.width - MARGIN)
        caret = problem.place.caret(width) if problem.place else ""
        if caret:
            line, _, pointer = caret.rpartition("\n")
            console.print(Text.assemble((line, "dim"), "\n", (pointer, "bold red")), soft_wrap=True)
        for use in problem.trail:
            print_line(console, Text(use))


def report_crash(error: Exception) -> None:
    """Say that cnnspec itself went wrong, and where."""
    import traceback

    from cnnspec.layers import REGISTRY

    told = f"{type(error).__name__}: {error}".splitlines()[0]
    others = {layer.__module__.partition(".")[0] for layer in REGISTRY.values()} - {"cnnspec"}
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in others:
            why = f"in {frame.f_code.co_filename}:{line}"
            report_problems([Problem(f"the plugin {package} went wrong: {told}", why, "Tell its authors")])
            return
    frames = traceback.extract_tb(error.__traceback__)
    where = next((f for f in reversed(frames) if "cnnspec" in f.filename), frames[-1])
    fix = "Please report it together with the spec"
    why = f"this is a bug, in {Path(where.filename).name}:{where.lineno}"
    report_problems([Problem(f"cnnspec went wrong: {told}", why, fix)])
