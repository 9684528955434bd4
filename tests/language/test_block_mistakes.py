"""Mistakes in blocks and in their calls are told once, where they were made."""

import pytest
from telling import CONV_BN, told, with_blocks

from cnnspec.layers import REGISTRY

# Mistakes. The calls stand in line 10.
CALLS = {
    "a missing argument": ("- conv_bn: {kernel: 3}", "10:5: conv_bn needs 'filters'; there is no default. Add `filters:`."),
    "none at all": ("- conv_bn", "10:5: conv_bn needs 'filters'; there is no default. Add `filters:`."),
    "nothing after the colon": ("- conv_bn:", "10:5: nothing stands after `conv_bn:`; the colon announces its fields. Write `- conv_bn: {filters: …}`."),
    "a misspelt argument": ("- conv_bn: {filtres: 3}", "10:15: unknown argument 'filtres' of conv_bn. Did you mean 'filters'?"),
    "an unknown argument": ("- conv_bn: {filters: 3, x: 3}", "10:27: unknown argument 'x' of conv_bn. It has filters, kernel or stride."),
    "a misspelt block": ("- conv_nb: {filters: 3}", "10:5: unknown layer 'conv_nb'. Did you mean 'conv_bn'?"),
    "a number in quotes": ('- conv_bn: {filters: "3"}', "10:24: '3' is text; quotes make it a string. Remove the quotes: 3."),
    "an unknown name": ("- conv_bn: {filters: widht}", "10:24: unknown name 'widht'. Did you mean 'width'?"),
    "an unknown name alone": ("- conv_bn: 2 * widht", "10:18: unknown name 'widht'. Did you mean 'width'?"),
    "nothing as a value": ("- conv_bn: {filters: null}", "10:24: filters is nothing; a value is a number, true or false, a word, or a list of these."),
    "a mapping as a value": ("- conv_bn: {filters: {a: 1}}", "10:24: filters is a mapping; a value is a number"),
    "a division by zero": ("- conv_bn: 1 / (width - 5)", "10:14: `1 / (width - 5)` divides by 0."),
    "a modifier among them": ("- conv_bn: {filters: 3, name: stem}", "10:27: name is no field of conv_bn; it stands beside the layer."),
    "a field beside it": ("- conv_bn: {filters: 3}\n    kernel: 3", "11:5: unknown modifier 'kernel'. Fields stand in the layer's braces: `conv_bn: {kernel: …}`."),
    "a comma in braces": ("- conv_bn: {filters: max(1, width)}", "10:24: cannot read 'max(1' as an expression; a bracket is never closed."),
    "a name of the block": ("- conv_bn: {filters: 3, stride: kernel}", "10:35: unknown name 'kernel'; it is neither a name known here"),
    "what a field refuses": ("- conv_bn: {filters: true}", "7:25: filters is true, from `filters`; it must be a whole number."),
    "a list for a number": ("- conv_bn: [3, 1]", "7:25: filters is [3, 1], from `filters`; it must be a whole number."),
    "a fraction": ("- conv_bn: 0.3 * width", "7:25: filters is 1.5, from `filters`; it must be a whole number. Round it"),
    "what does not fit": ("- conv_bn: {filters: 3, kernel: 99}", "7:34: kernel 99 does not fit"),
    "two blocks": ("- conv_bn: 3\n    conv_bn2: 3", "11:5: unknown modifier 'conv_bn2'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS)
def test_wrong_calls(case: tuple[str, str]) -> None:
    """Each mistake in a call is told once, where it was made: in the call, or in the block's layer."""
    call, message = case
    block = CONV_BN.replace("padding: kernel // 2, ", "") if "fit" in message else CONV_BN
    (problem,) = told(with_blocks(block, f"  {call}", "vars: {width: 5}"))
    assert problem.startswith(message)


# The block stands in line 4.
BLOCKS = {
    "no layers": ("b1: {}", "4:3: b1 needs 'layers'; there is no default. Add `layers:`."),
    "empty layers": ("b1: {layers: []}", "4:8: block b1 is empty. List at least one layer."),
    "nothing": ("b1:", "4:6: b1 is nothing; it must be a mapping with args or layers."),
    "a list": ("b1: [relu]", "4:7: b1 is ['relu']; it must be a mapping with args or layers. Put them under `layers:`."),
    "a misspelt key": ("b1: {layer: [relu]}", "4:8: unknown field 'layer' of b1. Did you mean 'layers'?"),
    "layers as a word": ("b1: {layers: relu}", "4:16: layers is 'relu'; it must be a list. Write `[relu]`."),
    "arguments as a list": ("b1: {args: [a, b], layers: [relu]}", "4:14: args is ['a', 'b']; it must be a mapping. Write it like `{a: null, b: null}`."),
    "a later argument": ("b1: {args: {a: b, b: 1}, layers: [relu]}", "4:18: 'b' has no value yet; a value may use only those that stand above it. Move it up."),
    "an argument of itself": ("b1: {args: {a: a + 1}, layers: [relu]}", "4:18: 'a' has no value yet"),
    "index as a default": ("b1: {args: {a: index}, layers: [relu]}", "4:18: unknown name 'index'; it is known only in an item with `repeat`"),
    "an argument called in_channels": ("b1: {args: {in_channels: 3}, layers: [relu]}", "4:15: an argument cannot be called 'in_channels'; every layer and block knows it anyway. Remove it."),
    "an argument that is no name": ("b1: {args: {a-b: 3}, layers: [relu]}", "4:15: an argument cannot be called 'a-b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say."),
    "a mapping as a default": ("b1: {args: {a: {b: 1}}, layers: [relu]}", "4:18: a is a mapping; a value is a number"),
    "a comma in braces": ("b1: {args: {a: max(1, 2)}, layers: [relu]}", "4:18: cannot read 'max(1' as an expression"),
    "an infinite default": ("b1: {args: {a: .inf}, layers: [dropout: a]}", "4:18: .inf is not a finite number; no field can take it."),
    "an unknown layer": ("b1: {layers: [rleu]}", "4:17: unknown layer 'rleu'. Did you mean 'relu'?"),
    "an unknown name": ("b1: {args: {width: 1}, layers: [conv: {filters: 2 * widht, kernel: 1}]}", "4:55: unknown name 'widht'. Did you mean 'width'?"),
    "a number as a name": ("1b: {layers: [relu]}", "4:3: a block cannot be called '1b'; it must be letters, digits or `_`, at most 64, and begin with a letter."),
    "a dash in its name": ("b-1: {layers: [relu]}", "4:3: a block cannot be called 'b-1'; it must be letters"),
    "a name of torch": ("forward: {layers: [relu]}", "4:3: a block cannot be called 'forward'; that word has a meaning already."),
    "twice": ("b1: {layers: [relu]}\n  b1: {layers: [tanh]}", "5:3: 'b1' stands twice; first in line 4."),
}  # fmt: skip


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("case", BLOCKS.values(), ids=BLOCKS)
def test_wrong_blocks(case: tuple[str, str], used: bool) -> None:
    """A mistake in a block is told once, whether the block is used or not."""
    block, message = case
    name = block.partition(":")[0]
    (problem,) = told(with_blocks(f"  {block}", f"  - {name}: {{}}" if used else "  - relu"))
    assert problem.startswith(message)


@pytest.mark.parametrize("name", [*sorted(REGISTRY), "name", "repeat", "when"])
def test_no_block_is_called_as_a_word_of_the_language(name: str) -> None:
    """A block never hides a layer, a composition or a modifier."""
    (problem,) = told(with_blocks(f"  {name}: {{layers: [tanh, relu: {{}}]}}", "  - flatten"))
    assert problem.startswith(f"4:3: a block cannot be called '{name}'; ")


CYCLES = {
    "itself": ("  a: {layers: [a]}", "4:16: block a contains itself: a → a (line"),
    "each other": (
        "  a: {layers: [b]}\n  b: {layers: [relu, a]}",
        "5:22: block a contains itself: a → b → a (line",
    ),
    "three": (
        "  a: {layers: [b]}\n  b: {layers: [c]}\n  c: {layers: [a]}",
        "6:16: block a contains itself: a → b → c → a (line",
    ),
    "behind others": (
        "  a: {layers: [b, c]}\n  b: {layers: [relu]}\n  c: {layers: [b, d]}\n  d: {layers: [b, c]}",
        "7:19: block c contains itself: c → d → c (line",
    ),
    "in a residual": ("  a: {layers: [residual: [relu, a]]}", "4:33: block a contains itself: a → a (line"),
    "in a branch": ("  a: {layers: [concat: {branches: {x: [], y: [a]}}]}", "4:47: block a contains itself"),
    "under a condition": (
        "  a: {args: {n: 3}, layers: [{a: n - 1, when: n > 0}]}",
        "4:31: block a contains itself: a → a (line",
    ),
}


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("case", CYCLES.values(), ids=CYCLES)
def test_cycles(case: tuple[str, str], used: bool) -> None:
    """A block that contains itself is an error that shows the way round."""
    blocks, message = case
    (problem,) = told(with_blocks(blocks, "  - a" if used else "  - relu"))
    assert problem.startswith(message)
    assert problem.endswith("Use `repeat` to do something several times.")
