"""A process without cnnspec, in which the source of networks is run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alone_server
import pytest

SERVER = alone_server.__file__


class Alone:
    """Asks a process without cnnspec what the network in a file is, or what the file does as a program."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "net.py"
        pipe = subprocess.PIPE  # and no cache: one file is many, one after the other
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", SERVER], stdin=pipe, stdout=pipe, text=True
        )

    def ask(self, source: str, shape: tuple[int, ...] | None = None) -> dict[str, Any]:
        """Return the facts of the network in a source; see `alone_server.facts`."""
        self.path.write_text(source, "utf-8")
        return self._answer(path=str(self.path), shape=shape)

    def run(self, path: Path, *arguments: str) -> tuple[str, Any]:
        """Return what a file prints that is run as a program, and what it ends with: None if all is well."""
        answer = self._answer(path=str(path), arguments=arguments)
        return answer["output"], answer["end"]

    def _answer(self, **job: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    """One such process for all tests."""
    started = Alone(tmp_path_factory.mktemp("alone"))
    yield started
    with started.process as process:
        assert process.stdin
        process.stdin.close()
