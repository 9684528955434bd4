"""Draws small pictures of fabrics, a folder for each pattern, as one's own photographs would lie there.

Run it from the project's folder: python examples/finetune/draw_fabrics.py [FOLDER]
Then fine-tune a network on them: cnnspec train examples/finetune/fabrics.yaml
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 64

Plane = NDArray[np.float64]
Pattern = Callable[[Plane, Plane], Plane]
"""Makes of coordinates, in periods of the pattern, how much of the second colour is there: from 0 to 1."""


def soft(height: Plane) -> Plane:
    """Return 1 where the height is above 0, and 0 where it is below, with a soft edge."""
    inside: Plane = np.clip(height * 4 + 0.5, 0, 1)
    return inside


def wave(x: Plane) -> Plane:
    """Return a wave of period 1, from −1 to 1."""
    height: Plane = np.sin(2 * np.pi * x)
    return height


PATTERNS: dict[str, Pattern] = {
    "striped": lambda x, _y: soft(wave(x)),
    "checked": lambda x, y: soft(wave(x) * wave(y)),
    "dotted": lambda x, y: soft(wave(x) + wave(y) - 1),
}


def draw(pattern: Pattern, numbers: np.random.Generator) -> Image.Image:
    """Return a picture of a fabric of any two colours, any width of pattern, turned and moved, with noise."""
    y, x = np.mgrid[:SIZE, :SIZE] / numbers.uniform(8, 16)
    turn = numbers.uniform(0, np.pi)
    across = x * np.cos(turn) + y * np.sin(turn) + numbers.uniform()
    along = y * np.cos(turn) - x * np.sin(turn) + numbers.uniform()
    threads = pattern(across, along)[:, :, None]
    dark, light = numbers.uniform(0, 110, 3), numbers.uniform(145, 255, 3)
    colours = dark * (1 - threads) + light * threads + numbers.normal(0, 12, (SIZE, SIZE, 3))
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


def draw_folder(folder: Path, patterns: Mapping[str, Pattern], pictures: int = 40, seed: int = 0) -> None:
    """Draw so many pictures of each pattern."""
    numbers = np.random.default_rng(seed)
    for name, pattern in patterns.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(pictures):
            draw(pattern, numbers).save(folder / name / f"{number:03}.png")


if __name__ == "__main__":
    draw_folder(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("fabrics"), PATTERNS)
