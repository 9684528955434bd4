"""A picture of a data set's pictures, with their classes: what a network is shown, to look at."""

import math
from dataclasses import dataclass

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from cnnspec.data.augment import Augmenter
from cnnspec.data.prepare import picture_size, to_input
from cnnspec.data.source import Pictures, Source, evenly
from cnnspec.language.augment import Augment
from cnnspec.shape import Shape

SMALL, LARGE = 96, 160
"""Small pictures are enlarged to as many times their size as `SMALL` takes; none is longer than `LARGE`."""

GAP, MARGIN, LINE = 6, 24, 13
LABEL = 170
"""Pixels of a class's name at most."""

MOST = 100
"""Classes that are shown at most, evenly chosen from more."""

RATIO = 1.3
"""Width over height that is aimed at, where there are many classes."""

PAPER, INK, FAINT = "#fbfbfa", "#1d1d1b", "#6f6f6b"
FONTS = ("DejaVuSans.ttf", "Arial.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf")
"""The system's fonts that names are written with which PIL's own font has no letters for."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture (C, H, W) in uint8, and what stands below it."""

    picture: Tensor
    caption: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Pictures of a class; the `first` so many stand apart from the others."""

    label: str
    tiles: list[Tile]
    first: int = 0


def samples(source: Source, names: tuple[str, ...], shape: Shape, count: int, seed: int) -> list[Row]:
    """Return `count` pictures of each class, as an input of that shape sees them, drawn with a seed."""
    rows = []
    for label, chosen in _drawn(source.labels, count, seed).items():
        tiles = [Tile(picture) for picture in as_pictures(_inputs(source, chosen, shape), shape)]
        rows.append(Row(names[label], tiles))
    return rows


def changed(
    source: Source, names: tuple[str, ...], shape: Shape, count: int, seed: int, *, augment: Augment
) -> list[Row]:
    """Return a picture of each class, and beside it `count` times what augmentation makes of it.

    They are a batch, in a new order each time, so each is mixed with another one where pictures are mixed.
    """
    drawn = _drawn(source.labels, 1, seed)
    labels = torch.tensor(list(drawn))
    inputs = _inputs(source, torch.cat(list(drawn.values())), shape)
    tiles = [[Tile(picture)] for picture in as_pictures(inputs, shape)]
    generator = torch.Generator().manual_seed(seed)
    augmenter = Augmenter(augment, shape, torch.device("cpu"))
    for _ in range(count):
        order = torch.randperm(len(labels), generator=generator)
        pictures, mixed = augmenter(inputs[order].float(), labels[order], generator)
        whole = as_pictures(pictures.round().clamp(0, 255).to(torch.uint8), shape)
        for place, row in enumerate(order.tolist()):
            caption: tuple[str, ...] = ()
            if mixed:
                share, other = float(mixed.shares[place]), names[int(mixed.others[place])]
                caption = _caption((share, names[int(labels[row])]), (1 - share, other))
            tiles[row].append(Tile(whole[place], caption))
    return [Row(names[int(label)], row, first=1) for label, row in zip(labels, tiles, strict=True)]


def draw(title: str, subtitle: str, rows: list[Row]) -> Image.Image:
    """Return the rows as a picture, with a title; many rows stand in several columns."""
    text = "".join([title, subtitle, *(row.label for row in rows)])
    large, normal, small = (_font(text, size) for size in (22, 15, 11))
    width, height = shown_size(rows[0].tiles[0].picture)
    lines = max(len(tile.caption) for row in rows for tile in row.tiles)
    label = min(LABEL, math.ceil(max(normal.getlength(row.label) for row in rows))) + 2 * GAP
    most = max(len(row.tiles) for row in rows)
    across = label + most * (width + GAP) + (3 * GAP if rows[0].first else 0)
    down = height + GAP + LINE * lines
    columns = min(len(rows), max(1, round(math.sqrt(RATIO * len(rows) * down / across))))
    each = math.ceil(len(rows) / columns)
    columns = math.ceil(len(rows) / each)
    top = MARGIN + 62
    size = (
        2 * MARGIN - GAP + columns * across + (columns - 1) * MARGIN,
        top + each * down - GAP + MARGIN,
    )
    wide = math.ceil(max(large.getlength(title), normal.getlength(subtitle))) + 2 * MARGIN
    sheet = Image.new("RGB", (max(size[0], wide), size[1]), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN - 4), title, INK, large)
    pen.text((MARGIN, MARGIN + 27), subtitle, FAINT, normal)
    for number, row in enumerate(rows):
        x, y = MARGIN + number // each * (across + MARGIN), top + number % each * down
        name = _cut(row.label, normal, LABEL)
        pen.text((x, y + height / 2), name, INK, normal, anchor="lm")
        for place, tile in enumerate(row.tiles):
            left = x + label + place * (width + GAP) + (3 * GAP if place >= row.first > 0 else 0)
            sheet.paste(shown(tile.picture, (width, height)), (left, y))
            for line, words in enumerate(tile.caption):
                pen.text((left, y + height + 1 + LINE * line), _cut(words, small, width), FAINT, small)
    return sheet


def as_pictures(inputs: Tensor, shape: Shape) -> Tensor:
    """Return inputs as pictures (N, C, H, W): a sequence is the picture that it was read from."""
    return inputs if len(shape) == 3 else inputs.reshape(-1, 1, *picture_size(shape))


def shown_size(picture: Tensor) -> tuple[int, int]:
    """Return width and height of a picture as it is shown."""
    height, width = picture.shape[-2:]
    longest = max(height, width)
    scale = max(1, SMALL // longest) if longest <= LARGE else LARGE / longest
    return max(1, round(width * scale)), max(1, round(height * scale))


def shown(picture: Tensor, size: tuple[int, int]) -> Image.Image:
    """Return a picture as large as it is shown: enlarged, its pixels stay squares."""
    pixels = picture.movedim(0, -1).contiguous().numpy()
    image = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    larger = size[0] >= image.width
    return image.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)


def _drawn(labels: Tensor, count: int, seed: int) -> dict[int, Tensor]:
    """Return the indices of `count` samples of each class that has any, `MOST` classes at most."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = order[labels[order].argsort(stable=True)]
    found, counts = labels.unique(return_counts=True)
    groups = by_class.split(counts.tolist())
    return {int(found[i]): groups[i][:count] for i in evenly(len(groups), MOST)}


def _inputs(source: Source, chosen: Tensor, shape: Shape) -> Tensor:
    """Return pictures as inputs of that shape, in uint8; raises DataError."""
    if isinstance(source, Pictures):
        return to_input(source.select(chosen).images, shape)
    return source.batch(chosen, shape).inputs


def _caption(*shares: tuple[float, str]) -> tuple[str, ...]:
    """Return the classes of a mixed picture with their shares; one that is hardly there is left out."""
    return tuple(f"{share:.0%} {name}" for share, name in shares if round(100 * share))


def _font(text: str, size: int) -> Font:
    """Return a font of that size, one of the system's where PIL's own has no letters for the text."""
    if not text.isascii():
        for name in FONTS:
            try:
                return ImageFont.truetype(name, size)
            except OSError:
                continue
    return ImageFont.load_default(size)


def _cut(text: str, font: Font, width: int) -> str:
    """Return as much of a text as has that width."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."
