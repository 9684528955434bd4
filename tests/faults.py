"""Faults at file operations: each can fail, or be the last thing that a process does."""

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEAD = 77
"""Exit code of a process that `die` ended."""


class Faults:
    """Counts file operations by name; at the one with the number `at`, `act` comes first."""

    def __init__(self, at: int = -1, act: Callable[[], None] = lambda: None) -> None:
        self.at, self.act = at, act
        self.names: list[str] = []

    def hit(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self.at:
            self.act()

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Count what is done with files meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("fsync", "link", "replace", "unlink", "open"):
                patch.setattr(os, name, self._counted(name, getattr(os, name)))
            patch.setattr(Path, "open", self._opened(Path.open))
            yield

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.hit(name)
            return real(*args, **options)

        return call

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            if "w" not in mode:
                return real(path, mode, *args, **options)
            self.hit("open to write")
            return _Stream(real(path, mode, *args, **options), self)

        return call


class _Stream(io.RawIOBase):
    """A file whose writes arrive by halves."""

    def __init__(self, stream: Any, faults: Faults) -> None:
        self.stream, self.faults = stream, faults

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self.stream.fileno())

    def write(self, data: Any) -> int:
        view = memoryview(data)
        half = len(view) // 2
        for part in (view[:half], view[half:]):
            self.faults.hit("write")
            self.stream.write(part)
            self.stream.flush()
        return len(view)

    def flush(self) -> None:
        if not self.stream.closed:
            self.faults.hit("flush")
            self.stream.flush()

    def close(self) -> None:
        self.stream.close()


def fail(number: int) -> Callable[..., None]:
    """Return what raises the system's error of that number, whatever it is asked for."""

    def act(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return act


def die() -> None:
    """End the process on the spot, as SIGKILL does: nothing is flushed or cleaned up."""
    os._exit(DEAD)


def in_child(work: Callable[[], object]) -> int:
    """Do the work in a fork of this process, and return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # threads of others, which the child has no need of
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
