"""A spec's problems are told all at once, each at its place, with the nearest right word."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.language.yaml_text import to_yaml
from cnnspec.spec import load_family

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
LENET5 = (Path(__file__).parents[1] / "specs" / "lenet5.yaml").read_text()


def problems(text: str) -> list[str]:
    """Return the first line of each problem of a text."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(text, file="net.yaml").plan()
    return [str(problem).splitlines()[0].removeprefix("net.yaml:") for problem in caught.value.problems]


def layer(item: str) -> str:
    return f"input: [1, 32, 32]\nlayers:\n  - {item}\n"


def top(line: str) -> str:
    return f"input: [1, 32, 32]\nlayers: [flatten]\n{line}\n"


PROBLEMS = {
    # Layers and their fields.
    "typo in a field": (
        layer("conv: {filtres: 6, kernel: 5}"),
        "3:12: unknown field 'filtres' of conv. Did you mean 'filters'?",
    ),
    "Ludwig's num_filterz": (layer("conv: {num_filterz: 6, kernel: 5}"), "Did you mean 'filters'?"),
    "PyTorch's kernel_size": (layer("maxpool: {kernel_size: 2}"), "Did you mean 'kernel'?"),
    "PyTorch's out_channels": (layer("conv: {out_channels: 6, kernel: 5}"), "Did you mean 'filters'?"),
    "unknown field": (
        layer("conv: {filters: 6, kernel: 5, colour: red}"),
        "unknown field 'colour' of conv. It has filters, kernel",
    ),
    "unknown layer": (
        layer("cnov: {filters: 6, kernel: 5}"),
        "3:5: unknown layer 'cnov'. Did you mean 'conv'?",
    ),
    "PyTorch's Conv2d": (layer("Conv2d: {filters: 6, kernel: 5}"), "Did you mean 'conv'?"),
    "Keras' dense": (layer("dense: 10"), "unknown layer 'dense'. Did you mean 'fc'?"),
    "PyTorch's Linear": (layer("Linear: 10"), "Did you mean 'fc'?"),
    "nothing like it": (
        layer("transmogrify"),
        "unknown layer 'transmogrify'. `cnnspec layers` lists them all.",
    ),
    "missing field": (
        layer("conv: {filters: 6}"),
        "3:5: conv needs 'kernel'; there is no default. Add `kernel:`.",
    ),
    "missing fields": (layer("conv"), "3:5: conv needs 'filters' and 'kernel'"),
    "main field where none is": (layer("relu: 3"), "3:11: relu does not take 3; it has no fields"),
    "conv has no main field": (layer("conv: 6"), "3:11: conv does not take 6"),
    "nothing after the colon": (layer("relu:"), "3:5: nothing stands after `relu:`"),
    "code in a field": (layer("""activation: "print('x')" """), "unknown layer 'activation'"),
    # Values.
    "text for a number": (
        layer('fc: "10"'),
        "3:9: 'units' is text; quotes make it a string. Remove the quotes: 10.",
    ),
    "word for a number": (layer("fc: ten"), "3:9: units is 'ten'; it must be a whole number."),
    "true for a number": (layer("fc: true"), "3:9: units is true; it must be a whole number."),
    "number for true": (layer("batchnorm: {affine: 1}"), "affine is 1; it must be `true` or `false`."),
    "word for true": (layer("batchnorm: {affine: no}"), "affine is 'no'; it must be `true` or `false`."),
    "fraction": (layer("fc: 10.5"), "units is 10.5; it must be a whole number."),
    "whole number with a point": (layer("fc: 10.0"), "units is 10.0; it must be a whole number."),
    "zero": (layer("fc: 0"), "units is 0; it must be at least 1."),
    "negative padding": (
        layer("conv: {filters: 6, kernel: 5, padding: -1}"),
        "padding is -1; it must be at least 0.",
    ),
    "zero kernel": (layer("maxpool: 0"), "3:14: kernel is 0; it must be at least 1."),
    "empty list": (layer("maxpool: []"), "kernel is []; it must be one number, or a list with one per axis."),
    "list of words": (layer("maxpool: [2, x]"), "kernel is 'x'; it must be a whole number"),
    "probability": (layer("dropout: 1.5"), "p is 1.5; it must be at most 1."),
    "huge": (layer("fc: 99999999999"), "units is 99999999999; it must be at most 1,000,000,000."),
    "unknown word": (layer("conv: {filters: 6, kernel: 5, padding_mode: reflct}"), "Did you mean 'reflect'?"),
    "padding of a pool": (
        layer("maxpool: {kernel: 2, padding: same}"),
        "padding is 'same'; it must be a whole number",
    ),
    "same with stride": (
        layer("conv: {filters: 6, kernel: 3, stride: 2, padding: same}"),
        "3:46: `padding: same` goes with stride 1 only",
    ),
    "number as text, like 1e-3": (
        top('train: {optimizer: {adam: {lr: "1e-3"}}}'),
        "3:32: 'lr' is text; quotes make it a string. Remove the quotes: 1e-3.",
    ),
    "not 750": (top("train: {epochs: 12:30}"), "epochs is '12:30'; it must be a whole number."),
    # Items.
    "number as an item": (layer("5"), "3:5: 5 is not a layer"),
    "list as an item": (layer("[relu]"), "3:5: ['relu'] is not a layer"),
    "nothing as an item": (layer(""), "nothing is not a layer"),
    "two layers": (
        layer("relu: {}\n    fc: 3"),
        "4:5: two layers in one item: relu and fc. Put a dash before fc.",
    ),
    "typo in a modifier": (
        layer("fc: 3\n    repaet: 3"),
        "4:5: unknown modifier 'repaet'. Did you mean 'repeat'?",
    ),
    "field beside its layer": (
        layer("conv: {filters: 6}\n    kernel: 5"),
        "Fields stand in the layer's braces: `conv: {kernel: …}`",
    ),
    "only a name": (layer("name: stem"), "this item has name, but no layer"),
    "bad name": (layer("relu: {}\n    name: 1st"), "4:11: name is '1st'; it must be letters, digits"),
    "repeat -1": (
        layer("relu: {}\n    repeat: -1"),
        "4:13: repeat is -1; it must be a whole number from 0 to 10,000.",
    ),
    "repeat of a billion": (layer("relu: {}\n    repeat: 1000000000"), "repeat is 1000000000; it must be"),
    "repeat true": (layer("relu: {}\n    repeat: true"), "repeat is true; it must be a whole number"),
    # The top level and its sections.
    "no layers": ("input: [1, 32, 32]", "1:1: the spec needs 'layers'"),
    "no input": ("layers: [relu]", "the spec needs 'input'"),
    "empty layers": ("input: [1, 32, 32]\nlayers: []", "2:1: layers is empty. List at least one layer"),
    "layers is a mapping": (
        "input: [1, 2]\nlayers: {relu: 1}",
        "2:9: layers is a mapping; it must be a list.",
    ),
    "typo at the top": (
        top("trian: {epochs: 3}"),
        "3:1: unknown field 'trian' of the spec. Did you mean 'train'?",
    ),
    "typo in train": (
        top("train: {epocs: 3}"),
        "3:9: unknown field 'epocs' of train. Did you mean 'epochs'?",
    ),
    "typo in adam": (
        top("train: {optimizer: {adam: {lrr: 3}}}"),
        "unknown field 'lrr' of adam. Did you mean 'lr'?",
    ),
    "typo in normalize": (top("data: {normalize: {maen: 1, std: 1}}"), "of normalize. Did you mean 'mean'?"),
    "unknown optimizer": (
        top("train: {optimizer: {adm: {}}}"),
        "3:21: unknown optimizer 'adm'. Did you mean 'adam'?",
    ),
    "unknown loss": (
        top("train: {loss: crossentropy}"),
        "3:15: unknown loss 'crossentropy'. Did you mean 'cross_entropy'?",
    ),
    "unknown data set": (
        top("data: {dataset: minst}"),
        "3:17: unknown data set 'minst'. Did you mean 'mnist'?",
    ),
    "zero std": (top("data: {normalize: {mean: 0.1, std: 0}}"), "std is 0; it must be greater than 0."),
    "other version": (top("cnnspec: 2"), "3:10: cnnspec is 2; it must be 1."),
    "bad network name": (top("name: a/b"), "3:7: name is 'a/b'; it must be letters"),
    "input of one axis": (
        "input: [32]\nlayers: [relu]",
        "1:8: input is [32]; it must be the shape of one sample: [C, L], [C, H, W] or [C, D, H, W]",
    ),
    "input as text": ("input: 1x32x32\nlayers: [relu]", "input is '1x32x32'; it must be a list"),
    "input with zero": (
        "input: [1, 0, 32]\nlayers: [relu]",
        "1:12: input has 0; a size is a whole number from 1 to 1,000,000.",
    ),
    "a list": ("- relu", "1:1: the file holds a list, not a mapping"),
    "a word": ("hello", "1:1: the file holds a single value, not a mapping"),
}


@pytest.mark.parametrize("case", PROBLEMS.values(), ids=PROBLEMS)
def test_problems(case: tuple[str, str]) -> None:
    """Each mistake is named once, at its place, with its cause and its cure."""
    text, expected = case
    found = problems(text)
    assert len(found) == 1, found
    assert expected in found[0]


def test_all_problems_in_order() -> None:
    """All problems of a file come at once and in its order, also a shape that doesn't fit before them."""
    text = """input: [1, 8, 8]
layers:
  - conv: {filters: 6, kernel: 9}
  - conv: {filtres: 6, kernel: 5}
  - relu6: 3
train: {epochs: 0}
a: 010
"""
    assert [line.partition(" ")[0] for line in problems(text)] == [
        "3:24:",
        "4:12:",
        "5:12:",
        "6:17:",
        "7:1:",
        "7:4:",
    ]


def test_message_form() -> None:
    """A problem is file:line:column, what, why and how to mend it, with the line and a caret under the place."""
    with pytest.raises(SpecError) as caught:
        cnnspec.loads(
            "input: [1, 4, 4]\nlayers:\n  - conv: {filters: 6, kernel: 5}\n", file="net.yaml"
        ).plan()
    assert str(caught.value) == (
        "net.yaml:3:24: kernel 5 does not fit the 4×4 input of conv1; the output would be empty. "
        "Use kernel ≤ 4, padding ≥ 1, or drop a pool.\n"
        "      - conv: {filters: 6, kernel: 5}\n"
        "                           ^"
    )


def test_defaults() -> None:
    """What a spec leaves out gets the language's defaults, and the file's stem for a name."""
    spec = cnnspec.loads("input: [1, 28, 28]\nlayers: [flatten]", file="some/where/my net.yaml")
    assert (spec.name, spec.description) == ("my_net", "")
    assert (spec.train.epochs, spec.train.batch_size, spec.train.optimizer.options.lr) == (10, 64, 0.001)
    statistics = spec.data.statistics(spec.input)
    assert statistics
    assert (spec.data.dataset, statistics.mean) == ("mnist", 0.1307)


def same(one: cnnspec.Spec, other: cnnspec.Spec) -> bool:
    """Compare what two specs say, not where it stands."""

    def said(spec: cnnspec.Spec) -> Any:
        layers = spec.plan().layers
        steps = [(step.path, step.layer and step.layer.resolved(), step.output) for step in layers]
        return (
            spec.name,
            spec.description,
            spec.input,
            spec.vars,
            steps,
            spec.data.statistics(spec.input),
            spec.data.dataset,
            spec.train,
        )

    return bool(said(one) == said(other))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_resolved_reads_back(path: Path) -> None:
    """A shipped spec with all defaults written out is the same spec, in each of its variants."""
    for spec in load_family(path):
        assert same(cnnspec.loads(to_yaml(spec.resolved())), spec)


@pytest.mark.parametrize("description", ["yes", "1e-3", "a: b # c", "- x", "'\"", "é × ☃", "line\nline", "~"])
def test_any_description_survives(description: str) -> None:
    """Text that looks like something else is still text after it was written and read."""
    spec = cnnspec.loads(
        to_yaml({"description": description, "input": [1, 2], "layers": ["relu"], "name": "n"})
    )
    assert cnnspec.loads(to_yaml(spec.resolved())).description == description


@settings(max_examples=150)
@given(data=st.data())
def test_mutated_specs(data: st.DataObject) -> None:
    """A spec with a line dropped, doubled or damaged is read or refused, and never crashes."""
    lines = LENET5.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        start = data.draw(st.integers(0, max(0, len(lines[index]) - 1)))
        piece = data.draw(
            st.sampled_from(["", ":", "{", "]", "- ", "  ", "0", "-1", "'", "x", "&a ", "!!map ", "\u2028"])
        )
        lines[index] = lines[index][:start] + piece + lines[index][start + 1 :]
    with contextlib.suppress(SpecError):
        cnnspec.loads("\n".join(lines)).plan()


def test_one_dimension_alone() -> None:
    """A text of one million digits or a line of a million characters is refused quickly and briefly."""
    for text in ("a: " + "1" * 10**6, "x" * 10**6 + ": ["):
        assert all(len(line) < 400 for line in problems(text))
