"""An epoch of LeNet-5 on MNIST with PyTorch Lightning, skorch and Keras 3 on torch beside cnnspec, in turn.

Each gets the same tensors, the same network and recipe (batches of 64 in a new order each epoch, Adam at
0.001), tests after each epoch, and has torch's own number of threads. Each is set up as its documentation
advises for speed: no logger, no checkpoints and no bar for Lightning; a TensorDataset and no output for
skorch; channels first, as torch has them, for Keras. cnnspec shows its bar and writes checkpoints.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from common import median, parser, report
from loops import BATCH, TEST_BATCH, tensors, trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from turns import Turn, race, rows
from tutorial import network

TARGET = 0.75


def lightning(turn: Turn, options: argparse.Namespace) -> None:
    """Train with PyTorch Lightning."""
    import lightning as L  # noqa: N812  # as its documentation does

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = network()
            self.correct = torch.zeros((), dtype=torch.int64)

        def training_step(self, batch: list[Tensor]) -> Tensor:
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def on_validation_epoch_start(self) -> None:
            self.correct.zero_()

        def validation_step(self, batch: list[Tensor]) -> None:
            self.correct += (self.model(batch[0]).argmax(1) == batch[1]).sum()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.001)

        def on_train_epoch_end(self) -> None:  # after the validation
            turn.done(**_facts(int(self.correct) / len(test_y)))

    warnings.filterwarnings("ignore", ".*does not have many workers.*")  # tensors need none
    x, y, test_x, test_y = tensors(options.data_root)
    train = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    test = DataLoader(TensorDataset(test_x, test_y), batch_size=TEST_BATCH)
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=options.epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    turn.ready()
    trainer.fit(Module(), train, test)


def skorch(turn: Turn, options: argparse.Namespace) -> None:
    """Train with skorch."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback
    from skorch.helper import predefined_split

    class Laps(Callback):  # type: ignore[misc]  # has no types
        def on_epoch_end(self, net: NeuralNetClassifier, **_: Any) -> None:
            turn.done(**_facts(net.history[-1, "valid_acc"]))

    x, y, test_x, test_y = tensors(options.data_root)
    net = NeuralNetClassifier(
        network(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.001,
        batch_size=BATCH,
        max_epochs=options.epochs,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=TEST_BATCH,
        train_split=predefined_split(TensorDataset(test_x, test_y)),
        classes=list(range(10)),
        callbacks=[Laps()],
        verbose=0,
    )
    turn.ready()
    net.fit(TensorDataset(x, y), None)


def keras(turn: Turn, options: argparse.Namespace) -> None:
    """Train with Keras 3 on torch."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers

    class Laps(keras.callbacks.Callback):  # type: ignore[misc]  # has no types
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002  # Keras's
            turn.done(**_facts(logs["val_accuracy"]))

    keras.config.set_image_data_format("channels_first")
    norm = {"axis": 1, "momentum": 0.9, "epsilon": 1e-5}
    model = keras.Sequential(
        [
            layers.Input((1, 32, 32)),
            layers.Conv2D(6, 5),
            layers.BatchNormalization(**norm),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5),
            layers.BatchNormalization(**norm),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    x, y, *test = tensors(options.data_root)
    turn.ready()
    how: dict[str, Any] = {"batch_size": BATCH, "epochs": options.epochs, "verbose": 0, "callbacks": [Laps()]}
    model.fit(x, y, validation_data=tuple(test), validation_batch_size=TEST_BATCH, **how)


PEERS: dict[str, Callable[[Turn, argparse.Namespace], None]] = {
    "lightning": lightning,
    "skorch": skorch,
    "keras": keras,
}


def main() -> int:
    """Let all train in turn, and say whether the target is reached."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    chosen = options.parse_args()
    chosen.threads = "auto"
    contenders = {name: PEERS[name] for name in chosen.peers} | {"cnnspec": trainer}
    laps, _ = race(contenders, chosen, chosen.epochs)
    medians = {name: median([lap["seconds"] for lap in each]) for name, each in laps.items()}
    fastest = min(chosen.peers, key=lambda name: medians[name])
    ratio = medians["cnnspec"] / medians[fastest]
    facts = {"medians, s": medians, "fastest peer": fastest, "ratio of the medians": round(ratio, 3)}
    title = "An epoch of LeNet-5 on MNIST, test included"
    report(
        title,
        rows(laps, ("cnnspec", fastest)),
        chosen.json,
        **facts,
        target=TARGET,
        reached=ratio <= TARGET,
    )
    return 0 if ratio <= TARGET else 1


def _facts(accuracy: float) -> dict[str, Any]:
    return {"accuracy": round(float(accuracy), 4), "threads": torch.get_num_threads()}


if __name__ == "__main__":
    sys.exit(main())
