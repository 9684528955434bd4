"""A small network that is fine-tuned on real digits, and weights that it can begin with."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import cnnspec
from cnnspec.training import Reporter, checkpoint
from cnnspec.training.reporter import Job

NET = """
name: net
input: [1, 28, 28]
blocks:
  step:
    args: {filters: null}
    layers: [conv: {filters: filters, kernel: 3, stride: 2, bias: false}, batchnorm, relu]
layers:
  - step: 4
    name: stem
  - step: 6
    name: stage
    repeat: 2
  - dropout: 0.2
  - flatten
  - fc: 10
data: {augment: {shift: 1}}
train:
  epochs: 2
  batch_size: 80
  optimizer: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.01}}
"""

State = dict[str, Tensor]


class Listener(Reporter):
    """Knows the job, and asks to stop at a step."""

    job: Job

    def __init__(self, stop: int = -1) -> None:
        self.steps, self.stop = 0, stop

    def begin(self, job: Job) -> None:
        self.job = job

    def step(self, epoch: int, done: int, loss_sum: Tensor) -> None:  # noqa: ARG002  # the base class's
        self.steps += 1
        if self.steps == self.stop:
            signal.raise_signal(signal.SIGINT)


def spec(folder: Path, **train: Any) -> cnnspec.Spec:
    """Return the network, whose file stands in the folder, with other values of `train`."""
    whole = cnnspec.loads(NET, file=str(folder / "net.yaml"))
    section = whole.train.model_dump(exclude_none=True) | train
    return replace(whole, train=type(whole.train).model_validate(section))


def fit(spec: cnnspec.Spec | None, out: Path, **options: Any) -> cnnspec.Result:
    options |= {"out": out} if spec else {"resume": out}
    return cnnspec.train(spec, device="cpu", threads=1, **options)


def state(folder: Path, name: str = "last") -> State:
    model = cnnspec.load(folder / "spec.yaml").plan().build()
    checkpoint.read_weights(folder / f"{name}.safetensors", model)
    return dict(model.state_dict())


def rows(result: cnnspec.Result) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in result.history]


def values() -> State:
    """Return weights for the network, every value its own."""
    torch.manual_seed(3)
    made = cnnspec.loads(NET).plan().build().state_dict()
    return {key: x if x.dtype == torch.int64 else torch.rand(x.shape) * 0.3 + 0.1 for key, x in made.items()}


MANY = {"optimizer": "adam", "ema": 0.9, "accumulate": 2, "clip_norm": 1, "warmup": 0.5, "schedule": "cosine"}
"""All else that has a part in a step."""

EVERYTHING = MANY | {
    "weights": "given.safetensors",
    "freeze": ["stem"],
    "lr_scale": {"stage.0": 0.1, "fc1": 3},
    "checkpoint_every": 2,
}
