"""A network that is built trains in Lightning as it does by hand."""

import copy
from pathlib import Path

import lightning
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name that everyone knows
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import cnnspec

LENET5 = Path(__file__).parents[2] / "specs" / "lenet5.yaml"
STEPS, BATCH = 2, 8


class Module(lightning.LightningModule):
    """What Lightning asks of whoever trains a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        x, labels = batch
        return F.cross_entropy(self.network(x), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.network.parameters(), lr=0.1)


# Lightning says how it could be faster, and uses what is old in others.
@pytest.mark.filterwarnings("ignore")
def test_trains_in_lightning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps in Lightning give the very weights of two steps by hand."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = cnnspec.load(LENET5).plan().build()
    by_hand = Module(copy.deepcopy(network))
    data = TensorDataset(torch.randn(STEPS * BATCH, 1, 32, 32), torch.arange(STEPS * BATCH) % 10)
    optimizer = by_hand.configure_optimizers()
    for x, labels in DataLoader(data, BATCH):
        optimizer.zero_grad()
        by_hand.training_step([x, labels], 0).backward()
        optimizer.step()
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(network), DataLoader(data, BATCH))
    assert trainer.global_step == STEPS
    for key, value in by_hand.network.state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key
    assert list(tmp_path.iterdir()) == []
