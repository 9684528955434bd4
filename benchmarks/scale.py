"""Reading and planning of 100, 1,000 and 10,000 layers, written out one by one and from blocks."""

import sys
import time
from collections.abc import Callable
from typing import Any

from common import median, parser, report

import cnnspec

TARGET = 1.5
RUNS = 7
SIZES = (100, 1_000, 10_000)
NEARLY_LINEAR = 2
"""Times a layer of the largest may take what one of the next largest takes."""


def flat(layers: int) -> str:
    """Return a spec with every layer written out."""
    four = (
        "- conv: {filters: 8, kernel: 3, padding: 1}\n- batchnorm\n- relu\n- conv: {filters: 3, kernel: 1}\n"
    )
    return "input: [3, 16, 16]\nlayers:\n" + four * (layers // 4)


def blocks(layers: int) -> str:
    """Return a short spec whose blocks, with arguments and a shortcut, expand to that many layers."""
    return f"""
input: [3, 16, 16]
blocks:
  pair:
    args: {{width: null, kernel: 3}}
    layers:
      - conv: {{filters: width, kernel: kernel, padding: kernel // 2}}
      - relu
  unit:
    args: {{width: null, channels: in_channels}}
    layers:
      - residual: [pair: {{width: width}}, pair: {{width: channels, kernel: 1}}]
layers:
  - unit: 4 + index % 4
    repeat: {layers // 4}
"""


def main() -> int:
    """Time all sizes in turn and say whether the target is reached, and growth is nearly linear."""
    chosen = parser(__doc__).parse_args()
    rows = [row for write in (flat, blocks) for row in _rows(write)]
    largest = [row for row in rows if row["layers"] == SIZES[-1]]
    reached = all(row["s"] <= TARGET and row["to linear"] <= NEARLY_LINEAR for row in largest)
    report(f"Reading and planning, {RUNS} runs", rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


def _rows(write: Callable[[int], str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for layers in SIZES:
        reading, planning = zip(*(_seconds(write(layers), layers) for _ in range(RUNS)), strict=True)
        total = median([r + p for r, p in zip(reading, planning, strict=True)])
        before = rows[-1]["s"] * layers / rows[-1]["layers"] if rows else total
        rows.append(
            {
                "written": write.__name__,
                "layers": layers,
                "reading s": median(reading),
                "planning s": median(planning),
                "s": total,
                "to linear": round(total / before, 2),
            }
        )
    return rows


def _seconds(text: str, layers: int) -> tuple[float, float]:
    """Return the seconds of reading and of planning a text."""
    started = time.perf_counter()
    spec = cnnspec.loads(text)
    read = time.perf_counter()
    plan = spec.plan()
    planned = time.perf_counter()
    assert len(plan.layers) == layers
    return read - started, planned - read


if __name__ == "__main__":
    sys.exit(main())
