"""What is built is an ordinary `nn.Module`: it is pickled, copied and compiled like one written by hand."""

import copy
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnspec

SPEC = """
input: [3, 12, 12]
blocks:
  squeeze:
    layers:
      - multiply: [[], [global_avgpool, conv: {filters: in_channels, kernel: 1}, sigmoid]]
layers:
  - image_filter: gaussian
  - conv: {filters: 8, kernel: 3, padding: 1}
    name: stem
  - residual:
      layers: [conv: {filters: 8, kernel: 3, padding: 1, bias: false}, batchnorm, relu, squeeze, drop_path: 0.1]
    repeat: 2
  - residual: {layers: [conv: {filters: 4, kernel: 1}], shortcut: [conv: {filters: 4, kernel: 1}]}
  - concat: {branches: {wide: [conv: {filters: 4, kernel: 1}], pool: [maxpool: {kernel: 3, stride: 1, padding: 1}]}}
  - add: [[channel_layernorm, layer_scale: 0.5], [groupnorm: 2]]
  - sequence: [channel_shuffle: 2, channel_slice: {stop: 6}]
  - add: [[square, abs, sqrt], [dropout: 0.2]]
  - conv_transpose: {filters: 4, kernel: 2, stride: 2}
  - global_avgpool
  - flatten
  - fc: 5
"""
"""Every composition, and every module of our own."""

TINY = """
input: [2, 6, 6]
layers: [residual: [layer_scale: 0.5, relu]]
"""
"""As little as can be to compile: one kernel forwards, and one backwards."""


def build(text: str) -> nn.Module:
    torch.manual_seed(0)
    return cnnspec.loads(text).plan().build()


def trained(model: nn.Module) -> nn.Module:
    """Return the model after a step, with statistics and weights that are not those of a new one."""
    x = torch.randn(4, 3, 12, 12)
    model.train()(x).square().sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.01 * parameter.grad)
    return model.eval()


def pickled(model: nn.Module, _folder: Path) -> nn.Module:
    read: nn.Module = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own
    return read


def saved(model: nn.Module, folder: Path) -> nn.Module:
    torch.save(model, folder / "model.pt")
    read: nn.Module = torch.load(folder / "model.pt", weights_only=False)
    return read


def copied(model: nn.Module, _folder: Path) -> nn.Module:
    return copy.deepcopy(model)


@pytest.mark.parametrize("way", [pickled, saved, copied])
def test_copies(way: Callable[[nn.Module, Path], nn.Module], tmp_path: Path) -> None:
    """A copy has the same weights under the same names, computes the same to the bit, and shares nothing."""
    model, x = trained(build(SPEC)), torch.randn(2, 3, 12, 12)
    other = way(model, tmp_path)
    y = model(x)
    assert torch.equal(other(x), y)
    ours, theirs = model.state_dict(keep_vars=True), other.state_dict(keep_vars=True)
    assert list(ours) == list(theirs)
    assert repr(other) == repr(model)
    for key, value in theirs.items():
        assert torch.equal(value, ours[key])
        assert value.data_ptr() != ours[key].data_ptr()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(model(x), y)


def test_pickled_for_another_process(tmp_path: Path) -> None:
    """A saved model is read where nobody has imported cnnspec."""
    model, x = trained(build(SPEC)), torch.randn(2, 3, 12, 12)
    torch.save((model, x), tmp_path / "model.pt")
    read = "import torch; model, x = torch.load('model.pt', weights_only=False); torch.save(model(x), 'y.pt')"
    subprocess.run([sys.executable, "-c", read], cwd=tmp_path, check=True)
    assert torch.equal(torch.load(tmp_path / "y.pt"), model(x))


def channels_last(model: nn.Module, x: Tensor) -> Tensor:
    moved: nn.Module = model.to(memory_format=torch.channels_last)
    y: Tensor = moved(x.to(memory_format=torch.channels_last))
    return y


TOOLS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "DataParallel": lambda model, x: nn.DataParallel(model)(x),
    "symbolic_trace": lambda model, x: torch.fx.symbolic_trace(model)(x),
    "functional_call": lambda model, x: torch.func.functional_call(model, dict(model.state_dict()), (x,)),
    "vmap": lambda model, x: torch.vmap(lambda one: model(one[None])[0])(x),
    "channels_last": channels_last,
    "double": lambda model, x: model.double()(x.double()).float(),
}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_tools_of_torch(tool: Callable[[nn.Module, Tensor], Tensor]) -> None:
    """Whatever torch does with a module, it computes the same."""
    model, x = trained(build(SPEC)), torch.randn(2, 3, 12, 12)
    torch.testing.assert_close(model(x), tool(copy.deepcopy(model), x), rtol=1e-4, atol=1e-5)


def step(model: nn.Module, x: Tensor, forward: Callable[[Tensor], Tensor] | None = None) -> list[Tensor]:
    """Return the output of a model, or of what calls it, and the gradients of its weights."""
    y = (forward or model)(x)
    gradients = torch.autograd.grad(y.square().sum(), list(model.parameters()))
    return [y, *gradients]


@pytest.fixture
def dynamo() -> None:
    """Forget what was compiled before."""
    torch.compiler.reset()


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_traced_as_one_graph(training: bool, dynamo: None) -> None:
    """torch.compile traces the whole network as one graph, with its gradients, and computes the same."""
    model, x = trained(build(SPEC)).train(training), torch.randn(2, 3, 12, 12)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.manual_seed(1)
    expected = step(model, x)
    torch.manual_seed(1)
    for ours, theirs in zip(expected, step(model, x, compiled), strict=True):
        torch.testing.assert_close(theirs, ours)


def compiler() -> bool:
    return any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++")))


@pytest.mark.skipif(not compiler(), reason="there is no C++ compiler, which torch.compile needs")
def test_compiled(dynamo: None) -> None:
    """Compiled by a real compiler, a step of training gives the same output and gradients."""
    from torch._inductor import metrics

    metrics.reset()
    model, x = build(TINY), torch.randn(2, 2, 6, 6)
    # Where vector units are not ruled out, a program is compiled to try them.
    compiled = torch.compile(model, fullgraph=True, options={"compile_threads": 1, "cpp.vec_isa_ok": False})
    for ours, theirs in zip(step(model, x), step(model, x, compiled), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
    assert metrics.generated_kernel_count > 0
