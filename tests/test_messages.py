"""Messages help a beginner: one mistake makes one message, and it says what to write."""

import pytest

import cnnspec
from cnnspec.errors import SpecError


def told(text: str) -> str:
    """Return the only problem of a text, without its place and line."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text).plan()
    (problem,) = caught.value.problems
    return problem.message


def layers(text: str) -> str:
    return f"input: [1, 32, 32]\nlayers:\n{text}\n"


FOLLOWS = {
    "not a number": ("  - dropout: .nan", ".nan is not a finite number; no field can take it. Write a number."),
    "infinite filters": ("  - conv: {filters: .inf, kernel: 3}", ".inf is not a finite number; no field can take it. Write a number."),
    "a number too large": ("  - dropout: 1e999", "1e999 is too large for a number. Write a smaller one."),
    "an integer too large": ("  - maxpool: 9999999999999999999", "9999999999999999999 is too large; numbers have at most 18 digits."),
    "300 digits": ("  - maxpool: " + "9" * 300, "999999999999999999999999… is too large; numbers have at most 18 digits."),
    "in a list": ("  - maxpool: [2, .inf]", ".inf is not a finite number; no field can take it. Write a number."),
    "an alias": ("  - maxpool: *x", "alias '*x'; a spec has no aliases. Write the value out."),
    "an alias as an item": ("  - *x", "alias '*x'; a spec has no aliases. Write the value out."),
    "an alias as a name": ("  - relu: {}\n    name: *x", "alias '*x'; a spec has no aliases. Write the value out."),
    "a tag": ("  - maxpool: !!str 3", "tag '!!str'; a spec has no tags. Remove it."),
    "a merge key": ("  - relu: {<<: {a: 1}}", "merge key '<<'; a spec has no merge keys. Write the fields out."),
    "a key that is a list": ("  - relu: {[a]: 1}", "this key is not a word; keys are words in a spec."),
    "layers after it": ("  - conv: {filters: .nan, kernel: 3}\n  - fc: 10\n  - maxpool: 99", ".nan is not a finite number; no field can take it. Write a number."),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLLOWS.values(), ids=FOLLOWS)
def test_one_mistake_one_message(case: tuple[str, str]) -> None:
    """A value that can't be read is told once; nothing that only follows from it is told as well."""
    text, message = case
    assert told(layers(text)) == message


BEGINNERS = {
    "no space after a colon": (layers("  - conv: {filters: 6, kernel:5, stride: 2}"), "unknown field 'kernel:5' of conv. Put a space after the colon: `kernel: 5`."),
    "no space after the dashes": ("input: [1, 8]\nlayers:\n  -relu\n  -tanh", "layers is '-relu -tanh'; it must be a list. Put a space after each dash."),
    "a dash too far right": (layers("  - relu\n   - tanh"), "unknown layer 'relu - tanh'. Begin the dashes of all layers in the same column."),
    "no colon after a layer": (layers("  - fc {units: 6}"), "unknown layer 'fc {units'. Put a colon after it: `fc: {…}`."),
    "a modifier that is none": (layers("  - relu: {}\n    device: 1"), "unknown modifier 'device'. Only name, repeat and when stand beside a layer."),
    "a number as text": ("input: [1, 8]\nlayers: [relu]\ndescription: 3", "description is 3; it must be text. Put it in quotes."),
    "a word for a mapping": ("input: [1, 8]\nlayers: [relu]\ntrain: epochs", "train is 'epochs'; it must be a mapping. Write `train: {epochs: {}}`."),
    "an empty section": ("input: [1, 8]\nlayers: [relu]\ndata:", "data is nothing; it must be a mapping with dataset, folder, arrays, shards, test_share, damaged, normalize or augment."),
    "true as version": ("cnnspec: true\ninput: [1, 8]\nlayers: [relu]", "cnnspec is true; it must be 1."),
    "1.0 as version": ("cnnspec: 1.0\ninput: [1, 8]\nlayers: [relu]", "cnnspec is 1.0; it must be 1."),
    "nothing but comments": ("# a spec, soon\n", "the file says nothing. A spec has at least `input:` and `layers:`."),
    "a sequence too short": ("input: [1, 8]\nlayers: [maxpool: 9]", "kernel 9 does not fit the 8-long input of maxpool1; the output would be empty. Use kernel ≤ 8, padding ≥ 1, or drop a pool."),
    "a name that means nothing here": ("input: [1, 8]\nlayers: [relu]\ncolour: 3", "unknown field 'colour' of the spec. It has cnnspec, name, description, input, vars, variants, blocks, layers, data or train."),
    "weights at the top": ("input: [1, 8]\nlayers: [relu]\nweights: 3", "unknown field 'weights' of the spec. It belongs further in: `train: {weights: …}`."),
    "one factor for all": ("input: [1, 8]\nlayers: [relu]\ntrain: {lr_scale: 0.1}", "lr_scale is 0.1; it must be a mapping. Write it like `{NAME: 0.1}`."),
    "a reserved character": ("input: [1, 8]\nlayers: @x", "this is not valid YAML; found character that cannot start any token. Check brackets, quotes, colons and indentation here."),
}  # fmt: skip


@pytest.mark.parametrize("case", BEGINNERS.values(), ids=BEGINNERS)
def test_what_beginners_write(case: tuple[str, str]) -> None:
    """The message says what is wrong and what to write instead."""
    text, message = case
    assert told(text) == message


def test_relu6_is_numbered_apart() -> None:
    """The first unnamed relu6 isn't called as the sixty-first relu is."""
    text = layers("  - relu: {}\n    repeat: 61\n  - relu6\n  - relu6")
    names = [step.path for step in cnnspec.loads(text).plan().layers]
    assert names[-3:] == ["relu61", "relu6_1", "relu6_2"]


@pytest.mark.parametrize("file", ["<text>", "<stdin>"])
def test_a_text_without_a_name(file: str) -> None:
    """What comes from no file is simply a network."""
    assert cnnspec.loads("input: [1, 8]\nlayers: [relu]", file=file).name == "network"
