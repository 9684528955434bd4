"""Paths in the spec that an exported file tells: they go with the file, and do not say whose they were."""

import os.path
from pathlib import Path
from typing import Any


def beside(resolved: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a spec as plain values with the paths of `Spec.resolved` as they are from a folder on.

    Of what is in the user's home folder, seen from outside of that, or on another drive, the name is left.
    """
    changed = dict(resolved)
    for section in ("data", "train"):
        if section in resolved:
            changed[section] = {key: _beside(value, folder) for key, value in resolved[section].items()}
    return changed


def _beside(value: Any, folder: Path) -> Any:
    """Return a value of a section, with the absolute paths in it changed; none of the others is one."""
    if isinstance(value, dict):
        return {key: _beside(one, folder) for key, one in value.items()}
    if not isinstance(value, str) or not Path(value).is_absolute():
        return value
    path, here = Path(value), folder.absolute()
    home = os.path.expanduser("~")  # noqa: PTH111  # pathlib raises where there is none
    if path.is_relative_to(home) and not here.is_relative_to(home):
        return path.name
    try:
        return Path(os.path.relpath(path, here)).as_posix()
    except ValueError:  # Windows has no way from one drive to another
        return path.name
