"""The built model is the one that a person would write by hand."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnnspec
from cnnspec.expansion import trace

LENET5 = Path(__file__).parents[2] / "specs" / "lenet5.yaml"


class HandWritten(nn.Module):
    """LeNet-5 as PyTorch users write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 2, 2)
        x = nn.functional.max_pool2d(torch.relu(self.bn2(self.conv2(x))), 2)
        x = torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1)))))
        return self.fc3(x)  # type: ignore[no-any-return]  # torch's modules are untyped callables


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_lenet5_equals_the_hand_written(training: bool) -> None:
    """Same parameters, same keys but for batch norm's short names, and the same output to the bit."""
    theirs = HandWritten()
    ours = cnnspec.load(LENET5).plan().build()
    state = {key.replace("bn", "batchnorm"): value for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) == 61_750
    ours.load_state_dict(state)
    x = torch.randn(8, 1, 32, 32)
    assert torch.equal(ours.train(training)(x), theirs.train(training)(x))


def test_initialization_is_torchs() -> None:
    """With the same seed the weights start as those of the network written by hand."""
    torch.manual_seed(3)
    theirs = HandWritten()
    torch.manual_seed(3)
    ours = cnnspec.load(LENET5).plan().build()
    for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_keys_read_like_the_spec() -> None:
    """A named layer has its name in the model, and a named repetition a number behind it."""
    text = """
input: [1, 8, 8]
layers:
  - conv: {filters: 2, kernel: 3, padding: 1, bias: false}
    name: stem
  - conv: {filters: 2, kernel: 3, padding: 1, bias: false}
    name: stage
    repeat: 2
"""
    model = cnnspec.loads(text).plan().build()
    assert list(model.state_dict()) == ["stem.weight", "stage.0.weight", "stage.1.weight"]
    assert model.get_submodule("stage.1").weight.shape == (2, 2, 3, 3)


def test_module_says_no_more_than_the_spec() -> None:
    """A built layer is given what differs from the default, so that it prints as a person would write it."""
    model = cnnspec.load(LENET5).plan().build()
    assert str(model.get_submodule("conv1")) == str(nn.Conv2d(1, 6, 5))


def test_too_large_for_memory() -> None:
    """A network that no memory holds is an error that names its size, not a crash."""
    text = "input: [1, 1000, 1000]\nlayers: [flatten, fc: 900000]"
    with pytest.raises(cnnspec.SpecError, match="does not fit into memory"):
        cnnspec.loads(text).plan().build()


ITEMS = st.sampled_from(
    [
        *("relu", "batchnorm", "dropout", "prelu", "relu6"),
        *(
            "conv: {filters: 4, kernel: 3}",
            "conv: {filters: 6, kernel: 3, stride: 2, padding: 1, bias: false}",
        ),
        *(
            "conv: {filters: 2, kernel: 3, padding: same, groups: 2}",
            "depthwise_conv: {kernel: 2, multiplier: 2}",
        ),
        *(
            "maxpool: 2",
            "maxpool: {kernel: 3, stride: 2, ceil_mode: true}",
            "avgpool: {kernel: 2, padding: 1}",
        ),
        *("adaptive_avgpool: 5", "global_avgpool", "flatten", "fc: 7"),
    ]
)


@settings(max_examples=60)
@given(
    rank=st.integers(1, 3),
    items=st.lists(st.tuples(ITEMS, st.booleans(), st.none() | st.integers(0, 3)), min_size=1, max_size=7),
)
def test_any_network_is_what_torch_runs(rank: int, items: list[tuple[str, bool, int | None]]) -> None:
    """For any stack of layers the plan has torch's shapes, parameters, MACs and names."""
    lines = ["input: [2, " + ", ".join("987"[:rank]) + "]", "layers:"]
    for number, (item, named, repeat) in enumerate(items):
        lines.append(f"  - {item}" if ":" in item else f"  - {item}: {{}}")
        lines += [f"    name: layer_{number}"] if named else []
        lines += [] if repeat is None else [f"    repeat: {repeat}"]
    plan, problems = trace(cnnspec.loads("\n".join(lines)))
    model = plan.build().eval()
    with FlopCounterMode(display=False) as counter:
        y = model(torch.zeros(1, *plan.input_shape))
    if not problems:
        assert tuple(y.shape[1:]) == plan.output_shape
        assert counter.get_total_flops() == 2 * plan.macs
    assert sum(p.numel() for p in model.parameters()) == plan.params
    leaves = [name for name, module in model.named_modules() if not isinstance(module, nn.Sequential)]
    assert leaves == [step.path for step in plan.layers]
