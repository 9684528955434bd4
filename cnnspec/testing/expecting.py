"""What a check says where a layer does not keep its promise."""

from typing import Any


def expect(condition: object, message: str) -> None:
    """Raise AssertionError with the message, unless the condition holds; also where ``-O`` drops asserts."""
    if not condition:
        raise AssertionError(message)


def expect_equal(what: str, layer: Any, torch: Any) -> None:
    """Raise AssertionError where what the layer says is not what torch does."""
    expect(layer == torch, f"{what}: {layer} by the layer, {torch} by torch")
