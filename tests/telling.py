"""What is said about small specs that are wrong."""

from collections.abc import Mapping
from typing import Any

import pytest

import cnnspec
from cnnspec.errors import Problem, SpecError

NAMES: Mapping[str, Any] = {
    "width": 8,
    "half": 0.5,
    "deep": True,
    "flat": False,
    "depths": [3, 4, 23, 3],
    "rows": [[16, 1], [24, 2.5]],
    "empty": [],
    "mode": "same",
    "index": 2,
}
"""Values of names, for expressions to look up."""

CONV_BN = """
  conv_bn:
    args: {filters: null, kernel: 1, stride: 1}
    layers:
      - conv: {filters: filters, kernel: kernel, stride: stride, padding: kernel // 2, bias: false}
      - batchnorm
"""
"""A block, for specs to use."""


def problems(text: str, **more: Any) -> tuple[Problem, ...]:
    """Return all that is wrong with a text."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text, file="net.yaml", **more).plan()
    return caught.value.problems


def told(text: str, **more: Any) -> list[str]:
    """Return what is said about a text, a line for each problem, without the name of its file."""
    return [str(one).splitlines()[0].removeprefix("net.yaml:").lstrip() for one in problems(text, **more)]


def with_blocks(blocks: str, layers: str, more: str = "") -> str:
    """Return a spec with blocks, the first of which stands in line 4."""
    return f"input: [4, 8, 8]\n{more}\nblocks:\n{blocks.strip(chr(10))}\nlayers:\n{layers.strip(chr(10))}\n"
