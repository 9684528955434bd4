"""A network that is built is one of scikit-learn's classifiers, through skorch."""

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skorch import NeuralNetClassifier
from torch import nn

import cnnspec

SPEC = """
input: [1, 8, 8]
layers:
  - conv: {filters: 4, kernel: 3}
  - residual: [batchnorm, relu]
  - flatten
  - fc: 2
"""


def classifier(module: nn.Module) -> NeuralNetClassifier:
    options = {"max_epochs": 2, "lr": 0.1, "batch_size": 16, "train_split": None, "verbose": 0}
    return NeuralNetClassifier(module, criterion=nn.CrossEntropyLoss, **options)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of two classes, which the brighter half tells apart."""
    draw = np.random.default_rng(0)
    labels = np.arange(64) % 2
    x = draw.random((64, 1, 8, 8), dtype=np.float32)
    x[labels == 1, :, 4:] += 1
    x[labels == 0, :, :4] += 1
    return x, labels


def test_trains_in_skorch() -> None:
    """It is fitted, scored, cloned and cross-validated; a clone begins with the same weights."""
    torch.manual_seed(0)
    x, labels = pictures()
    model = cnnspec.loads(SPEC).plan().build()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    net = classifier(model)
    other = clone(net).initialize()
    net.fit(x, labels)
    assert not torch.equal(model.state_dict()["conv1.weight"], before["conv1.weight"])
    for key, value in other.module_.state_dict().items():
        assert torch.equal(value, before[key])
    assert net.predict_proba(x).shape == (64, 2)
    assert net.score(x, labels) > 0.9
    assert cross_val_score(classifier(model), x, labels, cv=2).shape == (2,)
