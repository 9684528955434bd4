"""The predicted memory is what torch keeps and allocates."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch_memory import training_peak

import cnnspec
from cnnspec.layers import REGISTRY, Composite
from cnnspec.memory import in_units, predict
from cnnspec.model import modules
from cnnspec.testing.memory import saved_by
from cnnspec.testing.running import BATCH

SPECS = Path(__file__).parents[1] / "specs"
PROMISED = 0.2
"""How far a prediction may be off: what kernels copy depends on the processor, and here it counts."""

NETWORKS = {
    "a block of each kind": """
input: [3, 32, 32]
blocks:
  squeeze:
    layers:
      - multiply: [[], [global_avgpool, conv: {filters: in_channels, kernel: 1}, sigmoid]]
layers:
  - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
  - batchnorm
  - silu
  - residual:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - squeeze: {}
      - dropout: 0.1
  - concat: [[], [maxpool: {kernel: 3, stride: 1, padding: 1}], [conv: {filters: 8, kernel: 1}, relu]]
  - depthwise_conv: {kernel: 3, stride: 2, padding: 1}
  - channel_slice: {stop: 32}
  - add: {branches: [[], [batchnorm, relu], [avgpool: {kernel: 3, stride: 1, padding: 1}]]}
  - conv_transpose: {filters: 8, kernel: 2, stride: 2}
  - flatten
  - fc: 10
""",
    "few weights, large maps": """
input: [8, 48, 48]
layers:
  - conv: {filters: 16, kernel: 3, padding: 1}
    repeat: 4
  - upsample: 2
  - conv: {filters: 2, kernel: 3, padding: 1}
""",
    "many weights": "input: [1, 16, 16]\nlayers: [flatten, fc: 1024, relu, fc: 1024, relu, fc: 10]",
}


@pytest.mark.parametrize("name", ["residual", "add", "concat", "multiply"])
def test_kept_of_merging(name: str) -> None:
    """Merging keeps what its class says of the outputs that it merges."""
    composite = REGISTRY[name]
    assert issubclass(composite, Composite)
    outputs = [torch.rand(BATCH, 3, 4, 4, requires_grad=True) * 1.0 for _ in range(2)]
    module = getattr(modules, name.title())(*map(_Given, outputs))
    saved, _ = saved_by(module, [outputs[0], *outputs])
    assert composite.keeps == saved


class _Given(nn.Module):
    """Returns a tensor whatever it is given."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, _x: Tensor) -> Tensor:
        return self.output


def agrees(plan: cnnspec.Plan, batch: int) -> bool:
    """Tell whether the predicted peak is torch's: hardly below it, as it depends on the CPU what is copied."""
    return -0.05 < predict(plan).peak(batch) / training_peak(plan, batch) - 1 < PROMISED


@pytest.mark.parametrize("batch", [4, 32])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_peak_is_torchs(text: str, batch: int) -> None:
    """The predicted peak is within a few percent of what torch allocates in training."""
    assert agrees(cnnspec.loads(text).plan(), batch)


@pytest.mark.parametrize("file", ["lenet5.yaml", "allconv.yaml", "conv1d.yaml", "resnet_cifar.yaml"])
def test_peak_of_shipped_specs(file: str) -> None:
    """So it is for networks that ship; benchmarks/memory.py measures the large ones."""
    assert agrees(cnnspec.load(SPECS / file).plan(), 64)


TRAINS = {
    "sgd": ("{optimizer: sgd}", 0),
    "sgd with momentum": ("{optimizer: {sgd: {momentum: 0.9}}}", 1),
    "adamw": ("{optimizer: adamw}", 2),
    "rmsprop": ("{optimizer: {rmsprop: {weight_decay: 0.1}}}", 1),
    "rmsprop with momentum": ("{optimizer: {rmsprop: {momentum: 0.9}}}", 2),
    "average": ("{optimizer: adam, ema: 0.99}", 2),
    "parts": ("{optimizer: sgd, accumulate: 3}", 0),
}


@pytest.mark.parametrize("case", TRAINS.values(), ids=TRAINS)
def test_peak_of_options(case: tuple[str, int]) -> None:
    """What the optimizer keeps for each weight, a moving average and parts of a batch are torch's, too."""
    train, numbers = case
    plan = cnnspec.loads(f"{NETWORKS['many weights']}\ntrain: {train}").plan()
    need = predict(plan)
    assert need.optimizer == numbers * need.weights
    assert need.peak(8) == pytest.approx(training_peak(plan, 8), rel=0.01)


FROZEN = [
    ("a block of each kind", ["conv1", "batchnorm1", "residual1"]),
    ("a block of each kind", ["residual1", "concat1"]),
    ("few weights, large maps", ["conv1", "conv2", "conv3"]),
    ("few weights, large maps", ["conv3", "conv4", "conv5"]),
    ("many weights", ["fc1"]),
    ("many weights", ["fc2"]),
]


@pytest.mark.parametrize(("name", "parts"), FROZEN, ids=str)
def test_peak_of_frozen(name: str, parts: list[str]) -> None:
    """What is frozen has no gradients and nothing that the optimizer keeps; before all that learns, nothing is kept."""
    plan = cnnspec.loads(NETWORKS[name]).overridden(settings={"freeze": parts}).plan()
    need, whole = predict(plan), predict(cnnspec.loads(NETWORKS[name]).plan())
    learning = whole.weights - 4 * (plan.params - plan.trainable)
    assert (need.weights, need.gradients, need.optimizer) == (whole.weights, learning, 2 * learning)
    assert agrees(plan, 16)
    assert need.peak(16) < whole.peak(16) or name == "few weights, large maps"
    assert (need.activations(16) < whole.activations(16)) == (parts[0] == "conv1")


def test_peak_of_parts() -> None:
    """In parts, a batch takes the memory of one of them, and of its own samples."""
    plan = cnnspec.loads(f"{NETWORKS['few weights, large maps']}\ntrain: {{accumulate: 4}}").plan()
    assert predict(plan).peak(8) == pytest.approx(training_peak(plan, 8), rel=PROMISED)
    assert predict(plan).activations(8) < predict(plan).kept * 3


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_peak_of_muon() -> None:
    """Muon keeps one number for each weight of fc layers, and two for all else."""
    layers = "[conv: {filters: 4, kernel: 1}, flatten, fc: 256, relu, fc: 10]"
    plan = cnnspec.loads(f"input: [1, 8, 8]\nlayers: {layers}\ntrain: {{optimizer: muon}}").plan()
    need = predict(plan)
    assert need.optimizer == 4 * (2 * plan.params - 256 * 256 - 256 * 10)
    assert need.peak(8) == pytest.approx(training_peak(plan, 8), rel=PROMISED)


@pytest.mark.parametrize("file", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_weights_are_torchs(file: Path) -> None:
    """Weights and buffers are those of the model."""
    plan = cnnspec.load(file).plan()
    model, need = plan.build(), predict(plan)
    assert need.weights == need.gradients == need.optimizer // 2 == sum(p.nbytes for p in model.parameters())
    assert need.buffers == sum(buffer.nbytes for buffer in model.buffers())


def test_what_learns_nothing_keeps_nothing() -> None:
    """Before the first weight, nothing is kept but the batch: no gradient is asked for there."""
    plan = cnnspec.loads("input: [1, 8, 8]\nlayers: [maxpool: 2, sigmoid, flatten, fc: 3]").plan()
    assert predict(plan).activations(10) == 10 * 4 * (64 + 16 + 3)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("available", [2 * 2**20, 10 * 2**20, 1000 * 2**20])
def test_largest_batch(available: int, parts: int) -> None:
    """The largest batch fits, and one more does not."""
    need = predict(cnnspec.load(SPECS / "lenet5.yaml").overridden(accumulate=parts).plan())
    batch = need.largest_batch(available)
    assert batch > 0
    assert need.peak(batch) <= available < need.peak(batch + 1)


def test_no_batch_fits() -> None:
    """Where the weights alone are too large, no batch fits."""
    assert predict(cnnspec.load(SPECS / "lenet5.yaml").plan()).largest_batch(700_000) == 0


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (64, "64 B"),
        (1023, "1023 B"),
        (6400, "6.2 KiB"),
        (2**20 * 241, "241 MiB"),
        (2**50, "1,024.0 TiB"),
    ],
)
def test_in_units(count: int, text: str) -> None:
    """Bytes are told in the unit that leaves few digits."""
    assert in_units(count) == text
