"""What a layer says that PyTorch keeps for the backward pass is held to what its autograd saves."""

import torch
from torch import Tensor, nn

from cnnspec.layers import Case, Kept, Layer
from cnnspec.layers.base import FLOAT_BYTES
from cnnspec.model import modules
from cnnspec.testing.expecting import expect, expect_equal
from cnnspec.testing.running import BATCH

STATISTICS = 3
"""Numbers for each channel that may be left out: means and variances that a normalization keeps."""


def check_kept(layer: Layer, case: Case) -> None:
    """Hold `kept`, `is_view` and `buffers` to the tensors that torch has."""
    x = case.input
    module = layer.build(modules, x).train()
    saved, is_view = saved_by(module, [torch.rand(BATCH, *x, requires_grad=True) * 1.0])
    expect_equal("buffers in bytes", layer.buffers(x), sum(buffer.nbytes for buffer in module.buffers()))
    expect_equal("is_view", layer.is_view(x), is_view)
    if is_view:
        return
    kept = layer.kept(x)
    same = kept[:2] == saved[:2] and abs(kept.more - saved.more) <= STATISTICS * FLOAT_BYTES * x[0]
    expect(same, f"kept: {kept} by the layer, {saved} by torch")


def saved_by(module: nn.Module, inputs: list[Tensor]) -> tuple[Kept, bool]:
    """Return what autograd keeps of a module, as our layers tell it, and whether the output is a view.

    The inputs are batches of `BATCH` samples; the module is called with the first.
    """
    own = {_memory(t) for t in (*module.parameters(), *module.buffers())}
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        saved[_memory(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = module(inputs[0])
    given, made = {_memory(x) for x in inputs}, _memory(output)
    more = sum(size for key, size in saved.items() if key not in own | given | {made})
    return Kept(not given.isdisjoint(saved), made in saved, more // BATCH), made in given


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
