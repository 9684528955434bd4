"""Layers held to torch by building and running them."""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError
from torch.utils.flop_counter import FlopCounterMode

from cnnspec.errors import RuleError
from cnnspec.layers import Case, Layer
from cnnspec.model import modules
from cnnspec.testing.expecting import expect, expect_equal

BATCH = 2

REFUSALS = (
    RuntimeError,
    ValueError,
    AssertionError,
    TypeError,
    IndexError,
    ArithmeticError,
    AttributeError,  # torch has no module for a flat input
)
"""What torch and Python raise for what they cannot do."""


def check_numbers(layer: Layer, case: Case) -> None:
    """Hold output shape, parameters and MACs to those of the module that the layer builds."""
    output, own_params, macs = (
        layer.output_shape(case.input),
        layer.params(case.input),
        layer.macs(case.input),
    )
    for number in (*output, own_params, macs):  # 4.0 would be equal to 4, and be shown as 4.0
        expect(isinstance(number, int), f"{number!r} by the layer is no int; `//` divides ints")
    module = layer.build(modules, case.input)
    with FlopCounterMode(display=False) as counter:
        y = module(torch.zeros(BATCH, *case.input))
    expect_equal("output shape", output, tuple(y.shape[1:]))
    params = sum(p.numel() for p in module.parameters() if p.requires_grad)
    expect_equal("parameters", own_params, params)
    # Two operations are one multiply-accumulate.
    expect_equal("MACs", macs, counter.get_total_flops() / (2 * BATCH))


def check_refused(layer: type[Layer], case: Case) -> None:
    """See that both the layer and torch refuse a case."""
    try:
        output = layer.of(case.fields).output_shape(case.input)
    except (RuleError, ValidationError):
        pass
    else:
        raise AssertionError(f"the layer takes it, and makes {output} of it")
    try:
        y = unchecked(layer, case.fields).build(modules, case.input)(torch.zeros(BATCH, *case.input))
    except REFUSALS:
        return
    expect(False, f"torch runs it, and makes {tuple(y.shape[1:])} of it")


def unchecked(layer: type[Layer], fields: Mapping[str, Any]) -> Layer:
    """Return a layer with any fields, without its own checks."""
    return layer.model_construct(**{name: tuples(value) for name, value in fields.items()})


def tuples(value: Any) -> Any:
    """Return a value as it is in a layer, which has tuples for lists."""
    return tuple(tuples(one) for one in value) if isinstance(value, list) else value
