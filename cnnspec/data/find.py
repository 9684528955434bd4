"""Where a data set lies on disk: the folders that may hold it, in order."""

import os
from pathlib import Path

import platformdirs

from cnnspec.catalog import DataSet
from cnnspec.errors import DataError, Place, Problem

ENVIRONMENT = "CNNSPEC_DATA"
"""The variable that names a folder with data sets."""


def find(data_set: DataSet, root: str | Path | None = None) -> Path | None:
    """Return the first folder that holds all files of a data set.

    It is looked for in `root`, in ``$CNNSPEC_DATA`` and in the user's cache folder, each laid out as
    torchvision does, and then where packages of the system put it. Raises DataError where one of
    the first two holds some of its files only: that is a mistake to be told, no reason to look elsewhere.
    """
    given = [Path(r) / data_set.folder for r in (root, os.environ.get(ENVIRONMENT)) if r]
    for folder in [*given, home(data_set), *map(Path, data_set.system)]:
        missing = _missing(data_set, folder)
        if data_set.files and not missing:
            return folder
        if folder in given and len(missing) < len(data_set.files):
            raise _incomplete(data_set, folder, missing)
    return None


def home(data_set: DataSet, root: str | Path | None = None) -> Path:
    """Return the folder where a data set belongs that is downloaded: below `root`, else in the cache."""
    return (Path(root) if root else cache_folder()) / data_set.folder


def cache_folder() -> Path:
    """Return the user's cache folder for data sets."""
    return Path(platformdirs.user_cache_dir("cnnspec", appauthor=False)) / "data"


def path_of(folder: Path, name: str) -> Path:
    """Return the path of a file, or of its gzipped form if only that is there."""
    plain, packed = folder / name, folder / f"{name}.gz"
    return packed if packed.is_file() and not plain.is_file() else plain


def _missing(data_set: DataSet, folder: Path) -> list[str]:
    return [file.name for file in data_set.files.values() if not path_of(folder, file.name).is_file()]


def _incomplete(data_set: DataSet, folder: Path, missing: list[str]) -> DataError:
    there = next(file.name for file in data_set.files.values() if file.name not in missing)
    are = "are" if missing[1:] else "is"
    what = f"of the files of {data_set.name}, {' and '.join(missing)} {are} missing"
    fix = "Add what is missing, or remove the folder to have all of them downloaded"
    return DataError(Problem(what, f"{there} is there", fix, Place(str(folder))))
