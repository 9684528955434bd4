"""A layer is held to the source that is written of it: that builds the same, and computes the same."""

import runpy
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnnspec.layers import Case, Layer
from cnnspec.testing.expecting import expect, expect_equal
from cnnspec.testing.language import plan_of
from cnnspec.testing.running import BATCH
from cnnspec.views.source.module import as_source


def check_source(layer: Layer, case: Case) -> None:
    """See that the source of a network with the layer makes the module that the layer builds."""
    plan = plan_of(case.input, {layer.type: case.fields} if case.fields else layer.type)
    text = as_source(plan)
    ours, theirs = _seeded(plan.build), _seeded(lambda: _network(text))
    expect_equal("weights in the source", list(ours.state_dict()), list(theirs.state_dict()))
    x = torch.randn(BATCH, *plan.input_shape)
    expect(
        all(_same(one, theirs.state_dict()[key]) for key, one in ours.state_dict().items()),
        "with one seed, the source's weights begin otherwise",
    )
    expect(_same(ours.eval()(x), theirs.eval()(x)), f"the source computes something else:\n{text}")


def _seeded(make: Any) -> nn.Module:
    """Return a module that is made with random numbers which are always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: nn.Module = make()
    return made


def _network(text: str) -> nn.Module:
    """Return the network of a source, the last class in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.py"
        path.write_text(text, "utf-8")
        names = runpy.run_path(str(path), run_name="source")
    classes = [one for one in names.values() if isinstance(one, type) and one.__module__ == "source"]
    made: nn.Module = classes[-1]()
    return made


def _same(one: Tensor, other: Tensor) -> bool:
    """Tell whether tensors are equal to the bit, also where they have no number."""
    return one.shape == other.shape and torch.equal(one.nan_to_num(0.5), other.nan_to_num(0.5))
