"""Draws house.png, which has edges of every kind: upright, level, slanted, round, strong, weak, and noise.

Run it from the project's folder: python examples/draw_house.py [FILE]
Then see its edges: cnnspec apply specs/edges.yaml examples/house.png -o edges.png
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 256
FINE = 4
"""A pixel is the mean of so many points along each axis, which makes slanted edges smooth."""

Mask = NDArray[np.bool_]


def draw() -> NDArray[np.uint8]:
    """Return the picture in gray, (256, 256): from whole numbers only, so it is the same on every machine."""
    y, x = np.mgrid[: SIZE * FINE, : SIZE * FINE] * 2 + 1  # in halves of a point
    unit = 2 * FINE  # a pixel

    def box(left: int, top: int, right: int, bottom: int) -> Mask:
        inside: Mask = (left * unit < x) & (x < right * unit) & (top * unit < y) & (y < bottom * unit)
        return inside

    picture = 130 + y // 20  # the sky, lighter towards the horizon
    random = np.random.RandomState(1)  # its numbers are the same in every version of numpy
    grass = random.randint(50, 120, (80, SIZE))
    picture[176 * FINE :] = grass.repeat(FINE, axis=0).repeat(FINE, axis=1)
    picture[(x - 212 * unit) ** 2 + (y - 44 * unit) ** 2 < (26 * unit) ** 2] = 250  # the sun
    picture[box(136, 46, 152, 92)] = 105  # the chimney
    picture[box(0, 50, SIZE, 104) & (54 * abs(x - 104 * unit) < 70 * (y - 50 * unit))] = 60  # the roof
    picture[box(44, 104, 164, 208)] = 225  # the wall
    picture[box(64, 148, 92, 208)] = 85  # the door
    picture[box(112, 128, 148, 164)] = 35  # the window with its bars
    picture[box(128, 128, 132, 164) | box(112, 144, 148, 148)] = 225
    for step in range(4):
        picture[box(56 - 4 * step, 208 + 6 * step, 100 + 4 * step, 214 + 6 * step)] = 140 + 50 * (step % 2)
    picture[box(176, 170, SIZE, 175) | box(176, 192, SIZE, 197)] = 215  # the fence
    for left in range(180, SIZE, 14):
        picture[box(left, 160, left + 7, 206)] = 240
    points = picture.reshape(SIZE, FINE, SIZE, FINE).sum(axis=(1, 3))
    pixels: NDArray[np.uint8] = ((points + FINE**2 // 2) // FINE**2).astype(np.uint8)
    return pixels


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("house.png")
    Image.fromarray(draw()).save(file, optimize=True)
