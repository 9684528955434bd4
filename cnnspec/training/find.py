"""Where runs are: in a folder, or in those within it."""

import os
from pathlib import Path

from cnnspec.errors import Place, Problem
from cnnspec.training.record import FILES, check_folder

LEVELS = 3
"""How far below a folder its runs are looked for, as ``runs/THESIS/LENETS/RUN``."""

ENOUGH = 2
"""Files of a run's that make a folder one: the names alone are no one's property."""


def find_runs(folder: str | Path) -> tuple[list[Path], list[Problem]]:
    """Return the run folders in a folder, which may be one itself, and what cannot be looked into.

    Links are followed, and no place is looked into twice. Raises CheckpointError where there is no folder.
    """
    folder = Path(folder)
    check_folder(folder)
    runs: list[Path] = []
    problems: list[Problem] = []
    seen: set[tuple[int, int]] = set()
    level = [folder]
    for depth in range(LEVELS + 1):
        below: list[Path] = []
        for path in level:
            try:
                status = path.stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                names, folders = _content(path)
            except FileNotFoundError:  # it was removed meanwhile
                continue
            except OSError as error:
                what, why = "the folder cannot be read", error.strerror or str(error)
                problems.append(Problem(what, why, "", Place(str(path)), "warning"))
                continue
            if len(names & set(FILES)) >= ENOUGH:
                runs.append(path)
            elif depth < LEVELS:
                below += folders
        level = below
    return runs, problems


def _content(path: Path) -> tuple[set[str], list[Path]]:
    """Return all names in a folder, and the folders that do not hide."""
    with os.scandir(path) as entries:
        found = list(entries)
    folders = sorted(entry.name for entry in found if not entry.name.startswith(".") and _is_folder(entry))
    return {entry.name for entry in found}, [path / name for name in folders]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
