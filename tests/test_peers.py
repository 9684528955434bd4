"""What other tools are known to get wrong, from YAML text to the number or the message."""

import pytest
import torch

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.fit import data_problems, warnings


def plan_of(item: str, size: int = 28, channels: int = 6) -> cnnspec.Plan:
    return cnnspec.loads(f"input: [{channels}, {size}, {size}]\nlayers:\n  - {item}", file="net.yaml").plan()


def test_small_learning_rate() -> None:
    """1e-4 is a number, though YAML 1.1 reads text."""
    spec = cnnspec.loads("input: [1, 8]\nlayers: [relu]\ntrain: {optimizer: {adam: {lr: 1e-4}}}")
    assert spec.train.optimizer.options.lr == 1 / 10_000


@pytest.mark.parametrize(
    ("item", "size", "output"),
    [
        ("maxpool: {kernel: 3, stride: 2, ceil_mode: true}", 28, 14),
        ("maxpool: {kernel: 3, stride: 2}", 28, 13),
        ("maxpool: {kernel: 1, stride: 2, ceil_mode: true}", 10, 5),
        ("avgpool: {kernel: 1, stride: 2, ceil_mode: true}", 10, 5),
        ("maxpool: {kernel: 3, stride: 1, dilation: 2}", 28, 24),
        ("conv: {filters: 6, kernel: 3, padding: same}", 28, 28),
        ("conv: {filters: 6, kernel: 4, padding: same, dilation: 3}", 28, 28),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_sizes(item: str, size: int, output: int) -> None:
    """Rounding up, dilated pooling and `same` give the plan the size that torch's own run has."""
    plan = plan_of(item, size)
    assert plan.output_shape == (6, output, output)
    assert plan.build()(torch.zeros(1, 6, size, size)).shape[1:] == plan.output_shape


def test_six_filters_stay_six() -> None:
    """The number of filters is the one that is written, not rounded to a multiple of eight."""
    plan = plan_of("conv: {filters: 6, kernel: 5}")
    assert plan.output_shape[0] == 6
    assert plan.build().state_dict()["conv1.weight"].shape[0] == 6


@pytest.mark.parametrize(
    ("item", "place", "message"),
    [
        ("conv: {num_filterz: 6, kernel: 5}", "3:12", "unknown field 'num_filterz' of conv. Did you mean 'filters'?"),
        ("conv: {filters: 6, filter_size: 99}", "3:24", "unknown field 'filter_size' of conv. Did you mean 'kernel'?"),
        ("conv: {filters: 6, kernel: 99}", "3:24", "kernel 99 does not fit the 28×28 input of conv1"),
        ("maxpool: {pool_size: 2}", "3:15", "unknown field 'pool_size' of maxpool. Did you mean 'kernel'?"),
        ("maxpool: {kernel: 2, padding: 2}", "3:26", "padding 2 is more than half the kernel of maxpool1, 2; a window could see padding only. Use padding ≤ 1."),
        ("conv: {filters: 8, kernel: 3, groups: 4}", "3:35", "groups 4 do not divide the 6 channels of conv1; each group takes an equal part. Use groups that divide 6, such as 3."),
        ("conv: {filters: 8, kernel: 3, groups: 3}", "3:35", "groups 3 do not divide the 8 filters of conv1"),
        ("conv: {filters: 6, kernel: 3, stride: 2, padding: same}", "3:46", "`padding: same` goes with stride 1 only; with a stride the output cannot be as large as the input. Use a number, such as half the kernel, or stride 1."),
        ("fc: 10", "3:5", "fc needs a flat input, but gets 6×28×28. Put `- flatten` before it."),
        ("fc: 10\n    nonsense: 3", "4:5", "unknown modifier 'nonsense'. Only name, repeat and when stand beside a layer."),
        ("activation: \"print('x')\"", "3:5", "unknown layer 'activation'"),
    ],
)  # fmt: skip
def test_refused(item: str, place: str, message: str) -> None:
    """Nothing wrong is ignored or guessed: one message tells it, at its place."""
    with pytest.raises(SpecError) as caught:
        plan_of(item)
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"net.yaml:{place}: {message}")


def test_softmax_and_classes() -> None:
    """A softmax before cross-entropy is a warning; a number of units that is none of classes is an error."""
    plan = plan_of("flatten\n  - fc: 12\n  - softmax", channels=1)
    (warning,) = warnings(plan)
    (error,) = data_problems(plan)
    assert str(warning).startswith("net.yaml:5:5: warning: softmax1 stands before the loss cross_entropy")
    assert str(error).startswith("net.yaml:5:5: the output has 12 values; mnist has 10 classes")
