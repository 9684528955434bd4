"""The messages within an ONNX model, at any depth: nodes, tensors, graphs within nodes."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from onnx import ModelProto, TensorProto

LARGEST = (1 << 31) - 1
"""Bytes of a message of Protocol Buffers at most, and so of an ONNX file."""


def within(message: Message) -> Iterator[Message]:
    """Yield a message and all messages in it, but those of tensors, whose values are long."""
    yield message
    if isinstance(message, TensorProto):
        return
    for _field, value in message.ListFields():
        for one in (value,) if isinstance(value, Message) else _repeated(value):
            yield from within(one)


def is_external(message: Message) -> bool:
    """Tell whether a message is a tensor whose values are in another file, or wherever it says."""
    return isinstance(message, TensorProto) and (
        message.data_location == TensorProto.EXTERNAL or bool(message.external_data)
    )


def without_traces(model: ModelProto) -> ModelProto:
    """Return the model without what its exporter noted of each operation, with paths of this machine."""
    for message in within(model):
        if message is not model and hasattr(message, "metadata_props"):
            message.ClearField("metadata_props")
    return model


def _repeated(value: Any) -> Iterator[Message]:
    """Yield the messages of a repeated field; one of numbers or texts has none."""
    if not isinstance(value, (str, bytes, int, float)) and len(value) and isinstance(value[0], Message):
        yield from value
