"""Two ways to write one network give one network: the same shapes, parameters, MACs and outputs."""

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from reference import BATCH, Drawn
from strategies import EXAMPLES, SMALL, VARIABLES, Draw, Writer, specs

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.plan import Plan

# torch says so once, as it must make a padded copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

some = settings(max_examples=max(1, EXAMPLES // 20), suppress_health_check=[HealthCheck.too_slow])


def plan_of(drawn: Drawn) -> Plan | None:
    """Return the plan, or None if there is none."""
    try:
        return cnnspec.loads(drawn.text, variant=drawn.variant).plan()
    except SpecError:
        return None


def assert_same(one: Drawn, other: Drawn) -> None:
    """Both are refused, or both are the same network, whatever its parts are called."""
    first, second = plan_of(one), plan_of(other)
    if first is None or second is None:
        assert first is second
        event("refused")
        return
    rows = [[(s.type, s.input, s.output, s.params, s.macs) for s in plan.layers] for plan in (first, second)]
    assert rows[0] == rows[1]
    assert first.output_shape == second.output_shape
    model, twin = first.build().eval(), second.build().eval()
    twin.load_state_dict(dict(zip(twin.state_dict(), model.state_dict().values(), strict=True)))
    x = torch.randn(BATCH, *first.input_shape)
    with torch.no_grad():
        assert torch.allclose(model(x), twin(x), rtol=0, atol=0, equal_nan=True)


def with_layers(drawn: Drawn, layers: list[Any]) -> Drawn:
    """Return the spec with other layers."""
    return replace(drawn, values=drawn.values | {"layers": layers})


def as_mapping(item: Any, *without: str) -> dict[str, Any]:
    """Return an item in its long form, without some modifiers."""
    item = {item: {}} if isinstance(item, str) else item
    return {key: value for key, value in item.items() if key not in without}


def substituted(value: Any, names: dict[str, Any]) -> Any:
    """Return a value with names in its expressions replaced by what they stand for."""
    if isinstance(value, dict):
        return {key: substituted(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [substituted(one, names) for one in value]
    if not isinstance(value, str):
        return value
    if value in names:
        return names[value]
    texts = {name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in names.items()}
    return re.sub(rf"\b({'|'.join(texts)})\b", lambda m: texts[m[0]], value) if texts else value


@st.composite
def places(draw: Draw) -> tuple[Drawn, int]:
    """Draw a spec and the index of one of its items."""
    drawn = draw(specs(valid=True))
    return drawn, draw(st.integers(0, len(drawn.values["layers"]) - 1))


@some
@given(places())
def test_repeat(place: tuple[Drawn, int]) -> None:
    """`repeat: 2` is the item written twice."""
    drawn, at = place
    layers = drawn.values["layers"]
    item = substituted(as_mapping(layers[at], "name", "repeat", "when"), {"index": 1, "count": 2})
    one = with_layers(drawn, [*layers[:at], item | {"repeat": 2}, *layers[at + 1 :]])
    assert_same(one, with_layers(drawn, [*layers[:at], item, item, *layers[at + 1 :]]))


@some
@given(places())
def test_when(place: tuple[Drawn, int]) -> None:
    """`when: true` is as if it did not stand there, and with `when: false` the item is left out."""
    drawn, at = place
    layers = [*drawn.values["layers"], "relu"]
    item = as_mapping(layers[at], "when")
    for when, items in (("1 < 2", [item]), (True, [item]), ("2 < 1", []), (False, [])):
        one = with_layers(drawn, [*layers[:at], item | {"when": when}, *layers[at + 1 :]])
        assert_same(one, with_layers(drawn, [*layers[:at], *items, *layers[at + 1 :]]))


@some
@given(places(), st.integers(1, 6))
def test_sequence(place: tuple[Drawn, int], length: int) -> None:
    """A `sequence` is its layers."""
    drawn, at = place
    layers = drawn.values["layers"]
    one = with_layers(drawn, [*layers[:at], {"sequence": layers[at : at + length]}, *layers[at + length :]])
    assert_same(one, drawn)


@some
@given(st.data())
def test_residual(data: st.DataObject) -> None:
    """A `residual` is the sum of its layers and its shortcut, which is nothing where there is none."""
    writer = Writer(data.draw, valid=data.draw(st.booleans()))
    drawn = writer.spec()
    x = torch.randn(BATCH, *data.draw(st.sampled_from([(2, 5), (4, 5, 4), (2, 2, 3, 2)])))
    layers, y = writer.items(x, {}, 1)
    shortcut = writer.branch(x, y, {}, 1)
    values = {"input": list(x.shape[1:])} | ({"blocks": writer.blocks} if writer.blocks else {})
    values |= {key: drawn.values[key] for key in ("vars", "variants") if key in drawn.values}
    base = Drawn(values, drawn.variant)
    one = with_layers(base, [{"residual": {"layers": layers, "shortcut": shortcut}}])
    assert_same(one, with_layers(base, [{"add": [layers, shortcut]}]))
    assert_same(with_layers(base, [{"residual": layers}]), with_layers(base, [{"add": [layers, []]}]))
    without = with_layers(base, [{"residual": {"layers": layers, "shortcut": shortcut, "skip": False}}])
    assert_same(without, with_layers(base, layers))


@some
@given(st.data())
def test_variable(data: st.DataObject) -> None:
    """A variable is its value."""
    kinds = {name: kind for name, kind in VARIABLES.items() if name not in ("rows", "grid")}
    drawn = Writer(data.draw, kinds=kinds).spec()
    bare = {key: value for key, value in drawn.values.items() if key not in ("vars", "variants")}
    assert_same(drawn, Drawn(substituted(bare, drawn.variables())))


@some
@given(st.data())
def test_block(data: st.DataObject) -> None:
    """A block is its body, with what it is given in place of its arguments."""
    given = {"number": data.draw(SMALL), "size": data.draw(SMALL), "truth": data.draw(st.booleans())}
    default = data.draw(SMALL)
    x = torch.randn(BATCH, *data.draw(st.sampled_from([(2, 5), (4, 5, 4), (2, 2, 3, 2)])))
    inside = {**given, "other": default + given["size"]}
    writer = Writer(data.draw)
    body, _ = writer.items(x, inside, 1)
    arguments = {**dict.fromkeys(given), "other": f"size + {default}"}
    base = Drawn({"input": list(x.shape[1:]), "blocks": writer.blocks})
    piece = {"piece": {"args": arguments, "layers": body}}
    one = replace(base, values=base.values | {"blocks": writer.blocks | piece, "layers": [{"piece": given}]})
    assert_same(one, with_layers(base, substituted(body, inside)))
