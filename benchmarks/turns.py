"""Contenders that train an epoch each in turn, so that what else the machine does meets all of them alike.

Each has a process of its own: what one sets, such as torch's number of threads, does not touch another.
"""

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

BUSY = "while True: pass"

Laps = dict[str, list[dict[str, Any]]]
"""What each contender told of each of its epochs; `seconds` at least."""


class Turn:
    """A contender's side: it is `ready` once, and tells when each of its epochs is `done`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.started = self.cpu = 0.0

    def ready(self, **facts: Any) -> None:
        """Tell what getting ready came to, and wait for the first turn."""
        self._tell(facts)

    def done(self, **facts: Any) -> None:
        """Tell what an epoch came to, and wait for the next turn."""
        seconds, cpu = time.perf_counter() - self.started, time.process_time() - self.cpu
        self._tell({"seconds": seconds, "cpu seconds": round(cpu, 3), **facts})

    def _tell(self, facts: dict[str, Any]) -> None:
        self.connection.send(facts)
        try:
            self.connection.recv()
        except EOFError:  # the race is over
            sys.exit()
        self.started, self.cpu = time.perf_counter(), time.process_time()


Contender = Callable[[Turn, argparse.Namespace], None]


def race(
    contenders: Mapping[str, Contender], options: argparse.Namespace, epochs: int, *, busy: bool = False
) -> tuple[Laps, dict[str, dict[str, Any]]]:
    """Let each train so many epochs; return what they told of these, and of getting ready."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        ours: dict[str, Connection] = {}
        for name, contender in contenders.items():
            ours[name], theirs = context.Pipe()
            process = context.Process(target=_run, args=(contender, theirs, options), daemon=True)
            process.start()
            stack.callback(process.kill)
            theirs.close()
        prepared = {name: _heard(name, connection) for name, connection in ours.items()}
        laps: Laps = {name: [] for name in contenders}
        if busy:
            stack.enter_context(busy_core())
        for number in range(1, epochs + 1):
            for name, connection in ours.items():
                connection.send(None)
                lap = _heard(name, connection)
                laps[name].append(lap)
                told = ", ".join(f"{key} {value}" for key, value in lap.items() if key != "seconds")
                print(f"  epoch {number}, {name}: {lap['seconds']:.2f} s, {told}", file=sys.stderr)
    return laps, prepared


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another process."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def rows(laps: Laps, ratio_of: tuple[str, str]) -> list[dict[str, Any]]:
    """Return a row an epoch: seconds of each contender, and the ratio of two of them."""
    one, other = ratio_of
    return [
        {
            "epoch": number,
            **{f"{name} s": lap["seconds"] for name, lap in zip(laps, epoch, strict=True)},
            f"{one} / {other}": laps[one][number - 1]["seconds"] / laps[other][number - 1]["seconds"],
        }
        for number, epoch in enumerate(zip(*laps.values(), strict=True), start=1)
    ]


def _run(contender: Contender, connection: Connection, options: argparse.Namespace) -> None:
    contender(Turn(connection), options)


def _heard(name: str, connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        sys.exit(f"{name} has failed; see above.")
