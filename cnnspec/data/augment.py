"""Random changes of training pictures: a whole batch at a time, and each picture in its own way."""

from typing import Protocol

import torch
from torch import Tensor

from cnnspec.data.colour import Toned
from cnnspec.data.erasing import Erased
from cnnspec.data.geometry import Flipped, Moved
from cnnspec.data.mix import Mixed, Mixer
from cnnspec.language.augment import Augment
from cnnspec.shape import Shape


class Change(Protocol):
    """A kind of change: what is drawn for each picture, and what that does to it."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return what is drawn for each of `count` pictures."""

    def apply(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        """Return the pictures with the changes that were drawn for them."""


class Augmenter:
    """Changes pictures of an input's shape on a device at random, as far as the options allow.

    They are moved first, then flipped, brightened and erased, and mixed with each other at last. All draws
    come from the generator that is given, which is on the device. They are those of a whole batch of `total`
    pictures, so a part of it that begins at `start` is changed as it is when the whole batch is. Only the
    partner that a picture is mixed with is one of its own part.
    """

    def __init__(self, options: Augment, shape: Shape, device: torch.device) -> None:
        self.changes = changes(options, shape, device)
        self.mixer = Mixer(options, _size(shape), device) if options.mixes else None

    @torch.no_grad()
    def __call__(
        self,
        pictures: Tensor,
        labels: Tensor,
        generator: torch.Generator,
        total: int | None = None,
        start: int = 0,
    ) -> tuple[Tensor, Mixed | None]:
        """Return float32 pictures (N, …) of values from 0 to 255, changed; and what they are mixed with."""
        count, own = total or len(pictures), slice(start, start + len(pictures))
        for change in self.changes:
            pictures = change.apply(pictures, change.draw(count, generator)[own])
        if self.mixer is None:
            return pictures, None
        return self.mixer.apply(pictures, labels, self.mixer.draw(count, generator)[own])


def changes(options: Augment, shape: Shape, device: torch.device) -> list[Change]:
    """Return the changes of single pictures that the options ask for, the first first."""
    found: list[Change] = []
    size = _size(shape)
    if any((options.shift, options.rotation, options.scale, options.shear, options.elastic, options.crop)):
        found.append(Moved(options, size, device))
    if options.flip:
        found.append(Flipped(options.flip, device))
    if options.brightness or options.contrast:
        found.append(Toned(options, shape, device))
    if options.erasing:
        found.append(Erased(options.erasing, size, device))
    return found


def _size(shape: Shape) -> tuple[int, int]:
    """Return a picture's height and width; of a sequence, what is never moved nor cut, its two axes."""
    height, width = shape[-2:]
    return height, width
