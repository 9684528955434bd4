"""What the scripts share: options, the table, the JSON file, and MNIST."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
LENET5 = ROOT / "specs" / "lenet5.yaml"


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all scripts have."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options.add_argument(
        "--data-root", default=os.environ.get("CNNSPEC_DATA", ""), help="folder with MNIST/raw"
    )
    warn_of_threads()
    return options


def report(title: str, rows: Sequence[dict[str, Any]], file: Path | None, **facts: Any) -> None:
    """Print the rows as a table, and write them with the facts as JSON if a file is given."""
    table = Table(title=title, title_justify="left")
    for heading in rows[0]:
        table.add_column(heading, justify="left" if isinstance(rows[0][heading], str) else "right")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console = Console()
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name}: {value}", soft_wrap=True)
    save(title, rows, file, **facts)


def warn_of_threads() -> None:
    """Say where the environment takes from torch what it would choose: the figures are then no fair ones."""
    if "OMP_NUM_THREADS" in os.environ:
        print(f"OMP_NUM_THREADS is {os.environ['OMP_NUM_THREADS']}: unset it.", file=sys.stderr)


def save(title: str, rows: Sequence[dict[str, Any]], file: Path | None, **facts: Any) -> None:
    """Write the rows with the facts as JSON if a file is given."""
    if file:
        machine = {
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        }
        file.write_text(
            json.dumps({"title": title, "rows": list(rows), **facts, "machine": machine}, indent=2) + "\n"
        )


def median(values: Sequence[float]) -> float:
    """Return the median, rounded for the eye."""
    return round(statistics.median(values), 3)


def process_times(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[float]]:
    """Return the seconds that each command takes as a whole process, run in turn so many times."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    return times
