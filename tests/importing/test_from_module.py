"""What of PyTorch is read, and as which layers; each import is run beside the module that it came from."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from does import Does
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

import cnnspec
from cnnspec.importing import Imported
from cnnspec.importing.proof import differs
from cnnspec.shape import Shape

X: Shape = (4, 8, 8)
TENSORS: Any = (Tensor, int)


def words(imported: Imported) -> list[str]:
    """Return the layers of a network, first to last."""
    return [step.type for step in imported.plan().layers]


FUNCTIONS: dict[str, tuple[Callable[[Any, Tensor], Any], list[str]]] = {
    "relu": (lambda _, x: F.relu(x), ["relu"]),
    "method": (lambda _, x: x.relu().sigmoid(), ["relu", "sigmoid"]),
    "pools": (lambda _, x: F.avg_pool2d(F.max_pool2d(x, 3, 2, 1), 2), ["maxpool", "avgpool"]),
    "gelu": (lambda _, x: F.gelu(x, approximate="tanh"), ["gelu"]),
    "softmax": (lambda _, x: F.softmax(x, dim=1), ["softmax"]),
    "dropout": (lambda m, x: F.dropout(x, 0.3, m.training), ["dropout"]),
    "never dropout": (lambda _, x: F.dropout(x, 0.3, training=False).relu(), ["relu"]),
    "interpolate": (lambda _, x: F.interpolate(x, scale_factor=2, mode="bilinear"), ["upsample"]),
    "pad": (lambda _, x: F.pad(x, (0, 1, 2, 2)), ["zero_pad"]),
    "flatten": (lambda _, x: torch.flatten(x, 1), ["flatten"]),
    "view": (lambda _, x: x.view(x.size(0), -1), ["flatten"]),
    "sizes": (lambda _, x: x.relu() if x.shape[1] == 4 else x.sigmoid(), ["relu"]),
    "mean": (lambda _, x: x.mean([2, 3]), ["global_avgpool", "flatten"]),
    "mean by mean": (lambda _, x: x.mean(3).mean(2), ["avgpool", "global_avgpool", "flatten"]),
    "mean of a row": (lambda _, x: x.flatten(2).mean(-1), ["global_avgpool", "flatten"]),
    "maximum": (lambda _, x: x.amax((2, 3), keepdim=True), ["global_maxpool"]),
    "every second": (lambda _, x: x[:, :, ::2, ::2], ["maxpool"]),
    "slice": (lambda _, x: x[:, 1:3], ["channel_slice"]),
    "chunk": (lambda _, x: torch.cat(x.chunk(2, 1)[::-1], 1), ["channel_slice", "channel_slice"]),
    "narrow": (lambda _, x: x.narrow(1, 1, 2), ["channel_slice"]),
    "channels last": (lambda _, x: x.permute(0, 2, 3, 1).relu().permute(0, 3, 1, 2), ["relu"]),
    "shuffle": (
        lambda _, x: x.view(x.shape[0], 2, 2, 8, 8).transpose(1, 2).reshape(x.shape),
        ["channel_shuffle"],
    ),
    "pixels": (
        lambda _, x: x.view(-1, 1, 2, 2, 8, 8).permute(0, 1, 4, 2, 5, 3).reshape(-1, 1, 16, 16),
        ["pixel_shuffle"],
    ),
    "sum of branches": (lambda _, x: sum([x.relu(), x.sigmoid()]), ["relu", "sigmoid"]),  # it begins with 0
    "nothing": (lambda _, x: (x.relu() * 1.0 - 0) / 1, ["relu"]),
    "clamp": (lambda _, x: x.clamp(-1, 2).clamp(min=0).clamp(0, 6), ["hardtanh", "relu", "relu6"]),
    "maximum by maximum": (lambda _, x: x.max(3)[0].max(2)[0], ["maxpool", "global_maxpool", "flatten"]),
    "softmax of old": (lambda _, x: F.log_softmax(x.flatten(1)), ["flatten", "log_softmax"]),
    "softmax last": (lambda _, x: x.permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2), ["softmax"]),
    "device": (lambda _, x: x.to("cpu").to(x.device, torch.float32).cpu().relu(), ["relu"]),
    "not used": (lambda _, x: (torch.fft.fft(x), x.relu())[1], ["relu"]),
    "instances": (lambda _, x: x.relu() if isinstance(x, TENSORS) else x, ["relu"]),
    "own gradient": (lambda _, x: Swish.apply(x), ["sigmoid"]),  # C++ code is given what is traced
    "there and back": (lambda _, x: x.flatten(1).view(-1, 4, 8, 8).relu(), ["relu"]),
}


class Swish(torch.autograd.Function):
    """x·sigmoid(x), with a backward pass of its own."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x * x.sigmoid()


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    """Functions, methods and views of torch are the layers that do the same, and with the same result."""
    does, expected = FUNCTIONS[name]
    module = Does(does)
    imported = cnnspec.from_module(module, X)
    assert words(imported) == expected
    assert differs(module, imported) == pytest.approx(0, abs=1e-6)


def test_training_is_kept() -> None:
    """Dropout of a function that asks `self.training` drops in training, as the module does."""
    model = cnnspec.from_module(Does(lambda m, x: F.dropout(x, 0.3, m.training)), X).build().train()
    assert (model(torch.ones(2, *X)) == 0).float().mean() == pytest.approx(0.3, abs=0.1)


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation with dense layers, which take the channels out of space and put them back."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1).view(x.shape[0], x.shape[1])
        y = self.fc(y).view(x.shape[0], x.shape[1], 1, 1)
        product: Tensor = x * y.expand_as(x)
        return product


def test_dense_layers_within_maps() -> None:
    """Dense layers between a flat view of 1×1 maps and the way back are 1×1 convolutions, with the same weights."""
    module = SqueezeExcite()
    imported = cnnspec.from_module(module, X)
    assert words(imported) == ["global_avgpool", "conv", "relu", "conv", "sigmoid"]
    weights = imported.state_dict()
    assert {tuple(w.shape) for w in weights.values()} == {(2, 4, 1, 1), (2,), (4, 2, 1, 1), (4,)}
    assert weights["multiply1.1.conv1.weight"].data_ptr() == module.get_parameter("fc.0.weight").data_ptr()


def test_weights_from_anywhere() -> None:
    """Weights that a function is given are the layer's, wherever the module has them."""
    module = Does(
        lambda m, x: F.conv2d(x, m.c.weight, m.c.bias, padding=1),
        c=nn.Conv2d(4, 6, 3),
    )
    imported = cnnspec.from_module(module, X)
    assert imported.sources == {"conv1.weight": "c.weight", "conv1.bias": "c.bias"}
    assert differs(module, imported) == 0


def test_batch_normalization_of_others() -> None:
    """A batch normalization that learns statistics in training is one; one that never does is refused."""

    class Own(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            training = bool(self.training)
            stats = (self.running_mean, self.running_var, self.weight, self.bias)
            return F.batch_norm(x, *stats, training, self.momentum, self.eps).relu()  # type: ignore[arg-type]  # torch takes None, too

    class Frozen(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)

    assert words(cnnspec.from_module(nn.Sequential(Own(4)), X)) == ["batchnorm", "relu"]
    with pytest.raises(cnnspec.SpecError, match=r"batch_norm does not ask `self\.training`"):
        cnnspec.from_module(nn.Sequential(Frozen(4)), X)


class DropPath(nn.Module):
    """Stochastic depth, written by someone else."""

    def __init__(self, drop_prob: float, *, scale: bool = True) -> None:
        super().__init__()
        self.drop_prob, self.scale = drop_prob, scale

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = (torch.rand(x.shape[0], *(1,) * (x.ndim - 1)) >= self.drop_prob).to(x.dtype)
        return x * kept / (1 - self.drop_prob if self.scale else 1)


def test_stochastic_depth() -> None:
    """Stochastic depth is known by what it does; what only looks like it is left out, with a warning."""
    assert words(cnnspec.from_module(nn.Sequential(StochasticDepth(0.2, "row"), nn.ReLU()), X)) == [
        "drop_path",
        "relu",
    ]
    assert words(cnnspec.from_module(nn.Sequential(DropPath(0.2), nn.ReLU()), X)) == ["drop_path", "relu"]
    other = cnnspec.from_module(nn.Sequential(DropPath(0.2, scale=False), nn.ReLU()), X)
    assert words(other) == ["relu"]
    assert ["0 (DropPath) is left out" in str(warning) for warning in other.warnings] == [True]


@pytest.mark.parametrize(
    "does",
    [
        lambda m, x: m.conv(x + torch.randn_like(x) if m.training else x),
        lambda m, x: F.dropout(m.conv(x), 0.5, bool(m.training)),
        lambda m, x: (m.conv(x), x) if m.training else m.conv(x),
        lambda m, x: m.conv(x) if not m.training or torch.rand(()) < 2 else x,
    ],
    ids=["noise", "dropout", "outputs", "chance"],
)
def test_other_things_in_training(does: Callable[..., Any]) -> None:
    """What a module does in training only is told, with the line that asks; random numbers stay as they are."""
    module = Does(does, conv=nn.Conv2d(4, 4, 1))
    state = torch.get_rng_state()
    (warning,) = cnnspec.from_module(module, X).warnings
    assert torch.equal(torch.get_rng_state(), state)
    assert "the module does something else in training" in str(warning)
    assert warning.place is not None
    assert warning.place.file.endswith("test_from_module.py")
    same = Does(lambda m, x: x.relu() if m.training or not m.training else x)
    assert cnnspec.from_module(same, X).warnings == ()


def test_what_takes_no_part() -> None:
    """Weights that the output does not depend on are left out, and told."""
    module = Does(lambda m, x: m.used(x), used=nn.Conv2d(4, 2, 1), unused=nn.Linear(3, 5))
    imported = cnnspec.from_module(module, X)
    assert [str(warning) for warning in imported.warnings] == [
        "warning: unused is left out; the output does not depend on its 20 parameters."
    ]
    assert imported.plan().params == 10


@pytest.mark.parametrize("inplace", [False, True])
def test_changes_in_place(inplace: bool) -> None:
    """A layer that changes its input in its place changes it for all who have it, as in PyTorch."""

    def does(m: Any, x: Tensor) -> Tensor:
        y = m.conv(x)
        total: Tensor = m.act(y) + y
        return total

    module = Does(does, conv=nn.Conv2d(4, 4, 1), act=nn.Sigmoid() if not inplace else nn.SiLU(inplace=True))
    imported = cnnspec.from_module(module, X)
    assert differs(module, imported) == 0
    assert "add: [[], []]" in imported.text if inplace else "residual" in imported.text


class Around(nn.Module):
    """A residual around another module."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Any:
        return x + self.inner(x)


def test_deep_nesting() -> None:
    """Residuals in residuals, many levels deep, are read in a time that does not double with each level."""
    module: nn.Module = nn.Conv2d(4, 4, 1)
    for _ in range(20):
        module = Around(module)
    assert words(cnnspec.from_module(module, X)) == ["conv"]


def test_assignments() -> None:
    """Whatever is added in place is added for whoever else has the tensor."""

    def does(_: Any, x: Tensor) -> Tensor:
        y = x.sigmoid()
        z = y
        y += x
        return torch.cat([y, z], 1)

    module = Does(does)
    assert differs(module, cnnspec.from_module(module, X)) == 0


def test_a_spec_with_more() -> None:
    """What is imported is a spec like any other; it can be overridden, planned and built with the weights."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(4, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 5)).double()
    imported = cnnspec.from_module(module, X, name="small net!")
    assert isinstance(imported, cnnspec.Spec)
    assert imported.name == "small_net_"
    assert imported.overridden(epochs=3).train.epochs == 3
    x = torch.randn(2, *X, dtype=torch.float64)
    assert torch.equal(imported.build().eval()(x), module.eval()(x))
    assert cnnspec.loads(imported.text).plan().params == imported.plan().params


def test_without_numbers() -> None:
    """A module without numbers is imported without running it."""
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3))
    imported = cnnspec.from_module(module, X)
    assert differs(module, imported) is None
    assert words(imported) == ["conv", "batchnorm"]
