"""The pictures of a network's windows, in which windows that are the same are drawn once."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cnnspec.plan import Step
from cnnspec.views.window.art import Art, Charset, art
from cnnspec.views.window.picture import Picture, picture_of


class Entry(NamedTuple):
    """A layer's picture, or the path of a layer before it that has the same one."""

    picture: Picture | None = None
    like: str = ""


def album(steps: Iterable[Step]) -> dict[str, Entry]:
    """Return what there is to show of the windows, by the path of each layer that has one."""
    first: dict[Picture, str] = {}
    entries: dict[str, Entry] = {}
    for step in steps:
        picture = picture_of(step)
        if picture:
            path = first.setdefault(picture, step.path)
            entries[step.path] = Entry(picture) if path == step.path else Entry(like=path)
    return entries


def arts(entries: Mapping[str, Entry], width: int, charset: Charset) -> dict[str, Art]:
    """Return the pictures as text of at most `width` columns, those for which that is enough."""
    made = ((path, art(entry.picture, width, charset)) for path, entry in entries.items() if entry.picture)
    return {path: one for path, one in made if one}
