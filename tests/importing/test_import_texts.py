"""The files that imports make, as a person has read them."""

from collections.abc import Callable

import pytest
import torch
import torchvision

import cnnspec


@pytest.mark.parametrize(
    "name", ["resnet50", "mobilenet_v3_large", "densenet121", "googlenet", "convnext_tiny"]
)
def test_texts(name: str, golden: Callable[[str, str], None]) -> None:
    """Blocks, arguments, conditions, repeats and series stand where a person would put them."""
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        module = torchvision.models.get_model(name, weights=None, **options)
    golden(f"import_{name}.yaml", cnnspec.from_module(module, (3, 224, 224), name).text)
