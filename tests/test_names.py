"""The names of layers, given and numbered; and mistakes in what stands beside a layer."""

import pytest
from telling import told

import cnnspec
from cnnspec.language.items import RESERVED


def text(layers: str, more: str = "") -> str:
    return f"input: [4, 8, 8]\n{more}\nlayers:\n{layers.strip(chr(10))}\n"


def paths(layers: str, more: str = "") -> list[str]:
    return [step.path for step in cnnspec.loads(text(layers, more)).plan().layers]


def test_names() -> None:
    """A name is the module's; other layers are numbered as if it weren't there."""
    layers = "  - relu\n  - relu: {}\n    name: stem\n  - relu"
    assert paths(layers) == ["relu1", "stem", "relu2"]


def test_numbering_by_kind() -> None:
    """Unnamed layers are numbered by kind; one that ends with a digit gets an underscore."""
    assert paths("  - relu6\n  - relu\n  - relu6\n  - relu") == ["relu6_1", "relu1", "relu6_2", "relu2"]


NAMES = ["a", "stem", "A1", "a_b", "conv9", "layer1", "x" * 64]
BAD_NAMES = {
    "": "name is ''; it must be letters, digits or `_`, at most 64, and not begin with a digit.",
    "1a": "name is '1a'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Begin it with a letter.",
    "a.b": "name is 'a.b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say.",
    "a b": "name is 'a b'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it a_b, say.",
    "größe": "name is 'größe'; it must be letters, digits or `_`, at most 64, and not begin with a digit. Call it gr__e, say.",
    "x" * 65: "name is 'xxxxx",
    "_a": "a layer cannot be called '_a'; Python or PyTorch keeps that name for itself. Call it a_1, say.",
    "class": "a layer cannot be called 'class'; Python or PyTorch keeps that name for itself. Call it class_1, say.",
    "forward": "a layer cannot be called 'forward'; Python or PyTorch keeps that name for itself. Call it forward_1, say.",
}


@pytest.mark.parametrize("name", NAMES)
def test_good_names(name: str) -> None:
    """Names are letters, digits and underscores; torch finds the module by them."""
    network = cnnspec.loads(text(f"  - conv: {{filters: 2, kernel: 1}}\n    name: {name}")).plan()
    assert name in dict(network.build().named_modules())


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name: str) -> None:
    """Any other name is refused, with one that will do."""
    (problem,) = told(text(f"  - relu: {{}}\n    name: '{name}'"))
    assert problem.startswith(f"5:11: {BAD_NAMES[name]}")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_of_torch(name: str) -> None:
    """A layer hides nothing that torch's modules have."""
    (problem,) = told(text(f"  - relu: {{}}\n    name: {name}"))
    assert "keeps that name for itself" in problem


CLASHES = {
    "two of a name": ("  - relu: {}\n    name: a\n  - tanh: {}\n    name: a", "7:11", "a", 5, ""),
    "a name that is numbered": ("  - relu: {}\n    name: tanh1\n  - tanh", "6:5", "tanh1", 5, ": unnamed"),
    "a number that is a name": ("  - tanh\n  - relu: {}\n    name: tanh1", "6:11", "tanh1", 4, ": unnamed"),
    "a group and a layer": ("  - relu: {}\n    name: a\n    repeat: 2\n  - tanh: {}\n    name: a", "8:11", "a", 5, ""),
    "in a sequence": ("  - sequence:\n      - relu: {}\n        name: a\n      - relu: {}\n        name: a", "8:15", "a", 6, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES.values(), ids=CLASHES)
def test_clashes(case: tuple[str, str, str, int, str]) -> None:
    """Two items of one list can't share a name."""
    layers, place, name, line, more = case
    (problem,) = told(text(layers))
    assert problem.startswith(
        f"{place}: two layers are called '{name}'; the first stands in line {line}. Rename one of them{more}"
    )


# Mistakes. The item stands in line 4, its modifier in line 5.
WRONG = {
    "repeat -1": ("repeat: -1", "5:13: repeat is -1; it must be a whole number from 0 to 10,000."),
    "too many": ("repeat: 10001", "5:13: repeat is 10001; it must be a whole number from 0 to 10,000."),
    "half a repetition": ("repeat: 2.5", "5:13: repeat is 2.5; it must be a whole number"),
    "true repetitions": ("repeat: true", "5:13: repeat is true; it must be a whole number"),
    "no number": ("repeat: twice", "5:13: repeat is 'twice'; it must be a whole number"),
    "nothing": ("repeat:", "5:12: repeat is nothing; it must be a whole number"),
    "a list": ("repeat: [2, 3]", "5:13: repeat is [2, 3]; it must be a whole number"),
    "in quotes": ("repeat: '3'", "5:13: '3' is text; quotes make it a string. Remove the quotes: 3."),
    "a negative result": ("repeat: depth - 4", "5:13: repeat is -1, from `depth - 4`; it must be a whole number"),
    "a fraction as a result": ("repeat: depth / 2", "5:13: repeat is 1.5, from `depth / 2`; it must be a whole number"),
    "a truth value as a result": ("repeat: depth > 2", "5:13: repeat is true, from `depth > 2`; it must be a whole number"),
    "a list as a variable": ("repeat: depths", "5:13: repeat is [2, 3], from `depths`; it must be a whole number"),
    "an unknown variable": ("repeat: dpeth", "5:13: repeat is 'dpeth'; it must be a whole number from 0 to 10,000. Did you mean 'depth'?"),
    "an unknown name": ("repeat: 2 * dpeth", "5:17: unknown name 'dpeth'. Did you mean 'depth'?"),
    "index of itself": ("repeat: index", "5:13: unknown name 'index'; it is known only in an item with `repeat`"),
    "count of itself": ("repeat: count + 1", "5:13: unknown name 'count'; it is known only in an item with `repeat`"),
    "an entry too far": ("repeat: depths[2]", "5:13: `depths` has no entry 2; it has entries 0 to 1."),
    "a number for when": ("when: 1", "5:11: when is 1; it must be true or false, such as `stride > 1`."),
    "a word for when": ("when: yes", "5:11: when is 'yes'; it must be true or false, such as `stride > 1`."),
    "nothing for when": ("when:", "5:10: when is nothing; it must be true or false"),
    "true in quotes": ("when: 'true'", "5:11: 'true' is text; quotes make it a string. Remove the quotes: true."),
    "a number as a result for when": ("when: depth - 3", "5:11: when is 0, from `depth - 3`; it must be true or false"),
    "a variable that is a number": ("when: depth", "5:11: when is 3, from `depth`; it must be true or false"),
    "a number in and": ("when: depth and 1 > 0", "5:11: `and` is given 3; it takes true or false, such as `stride > 1`."),
    "index without repeat": ("when: index > 0", "5:11: unknown name 'index'; it is known only in an item with `repeat`"),
    "a single =": ("when: depth = 3", "5:11: cannot read 'depth = 3' as an expression; `=` compares nothing. Write `==`."),
    "signs of C": ("when: depth > 1 && true", "5:11: cannot read 'depth > 1 && true' as an expression; '&' means nothing in it. Write `and`."),
    "a misspelt modifier": ("repaet: 3", "5:5: unknown modifier 'repaet'. Did you mean 'repeat'?"),
    "another word": ("device: 3", "5:5: unknown modifier 'device'. Only name, repeat and when stand beside a layer."),
    "a field": ("filters: 3", "5:5: unknown modifier 'filters'. Fields stand in the layer's braces: `conv: {filters: …}`."),
    "a second layer": ("relu: {}", "5:5: two layers in one item: conv and relu. Put a dash before relu."),
    "a number for a name": ("name: 3", "5:11: name is 3; it must be letters"),
    "nothing for a name": ("name:", "5:10: name is nothing; it must be letters, digits or `_`, at most 64, and not begin with a digit."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in a modifier is told once, at its place."""
    modifier, message = case
    (problem,) = told(
        text(f"  - conv: {{filters: 2, kernel: 1}}\n    {modifier}", "vars: {depth: 3, depths: [2, 3]}")
    )
    assert problem.startswith(message)


@pytest.mark.parametrize("name", ["repeat", "when", "name"])
def test_modifiers_stand_beside(name: str) -> None:
    """A modifier among the fields is told where it belongs."""
    (problem,) = told(text(f"  - conv: {{filters: 2, kernel: 1, {name}: 2}}"))
    assert problem == (
        f"4:35: {name} is no field of conv; it stands beside the layer. "
        "Give it a line below `conv:`, in the same column."
    )


def test_a_problem_of_a_repetition_is_told_once() -> None:
    """What does not fit from some repetition on is told for the first of them."""
    layers = "  - maxpool: 2\n    repeat: 5\n  - fc: 3"
    assert told(text(layers)) == [
        "4:14: kernel 2 does not fit the 1×1 input of maxpool4; the output would be empty. Use kernel ≤ 1, padding ≥ 1, or drop a pool."
    ]
