"""Variants and `set` give a file's variables other values: a family in a file."""

from pathlib import Path
from typing import Any

import pytest
from telling import told

import cnnspec
from cnnspec.language.yaml_text import to_yaml
from cnnspec.spec import load_family, split_variant

FAMILY = """
input: [1, size, size]
vars:
  size: 4
  depth: 2
  width: 8
  wide: 4 * width
variants:
  small: {}
  large: {depth: 3, width: 16}
  large-2x: {width: 32, wide: 2 * width}
layers:
  - conv: {filters: wide, kernel: 1}
    repeat: depth
"""


def widths(**more: Any) -> tuple[str, list[int]]:
    """Return the name and the filters of the family's network."""
    plan = cnnspec.loads(FAMILY, file="net.yaml", **more).plan()
    return plan.name, [step.output[0] for step in plan.layers]


@pytest.mark.parametrize(
    ("more", "name", "expected"),
    [
        ({}, "small", [32, 32]),
        ({"variant": "small"}, "small", [32, 32]),
        ({"variant": "large"}, "large", [64, 64, 64]),
        ({"variant": "large-2x"}, "large-2x", [64, 64]),
        ({"set": {"depth": 1}}, "small", [32]),
        ({"set": {"width": 2}}, "small", [8, 8]),
        ({"set": {"wide": 3}}, "small", [3, 3]),
        ({"set": {"wide": "width + 1"}}, "small", [9, 9]),
        ({"variant": "large", "set": {"depth": 1}}, "large", [64]),
        ({"variant": "large-2x", "set": {"width": 3}}, "large-2x", [6, 6]),
        ({"variant": "large-2x", "set": {"wide": "3 * width"}}, "large-2x", [96, 96]),
    ],
)
def test_variants_and_set(more: dict[str, Any], name: str, expected: list[int]) -> None:
    """The first variant is the default; `set` goes before the variant, which goes before `vars`."""
    assert widths(**more) == (name, expected)


def test_a_variant_changes_what_follows() -> None:
    """Variables that are made of others follow those of the variant."""
    assert cnnspec.loads(FAMILY, variant="large").vars == {"size": 4, "depth": 3, "width": 16, "wide": 64}


def test_the_spec_knows_its_variants() -> None:
    """A spec tells its variant and all there are."""
    spec = cnnspec.loads(FAMILY, variant="large")
    assert (spec.variant, spec.variants) == ("large", ("small", "large", "large-2x"))
    assert cnnspec.loads("input: [1, 8]\nlayers: [relu]").variant is None


@pytest.mark.parametrize(
    ("top", "variant", "name"),
    [
        ("", "v1", "v1"),
        ("resnet", "resnet18", "resnet18"),
        ("resnet", "wide50", "resnet-wide50"),
        ("n" * 60, "v" * 60, "n" * 60 + "-vvv"),
    ],
)
def test_name_of_a_variant(top: str, variant: str, name: str) -> None:
    """A network is called as its variant, after its family where that doesn't tell it."""
    given = f"name: {top}\n" if top else ""
    text = f"{given}input: [1, 8]\nvars: {{a: 1}}\nvariants: {{{variant}: {{}}}}\nlayers: [relu]\n"
    assert cnnspec.loads(text).name == name


@pytest.fixture
def family(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(FAMILY)
    return path


def test_file_at_name(family: Path) -> None:
    """FILE@NAME is the file's variant."""
    assert cnnspec.load(f"{family}@large").variant == "large"
    assert cnnspec.load(family, variant="large").variant == "large"
    assert cnnspec.load(family).variant == "small"
    assert cnnspec.load(f"{family}@large", set={"depth": 1}).vars["depth"] == 1


def test_option_goes_before_the_file_name(family: Path) -> None:
    """A variant that is asked for by name goes before the one in FILE@NAME."""
    assert cnnspec.load(f"{family}@large", variant="small").variant == "small"


def test_a_file_with_an_at(tmp_path: Path) -> None:
    """A file whose name holds an @ is that file."""
    path = tmp_path / "net@large"
    path.write_text("input: [1, 8]\nlayers: [relu]\n")
    assert cnnspec.load(path).variant is None
    assert split_variant(path) == (path, None)
    assert split_variant(f"{path}@x") == (str(path), "x")
    assert split_variant("@x") == ("@x", None)


def test_load_family(family: Path) -> None:
    """All variants of a file are loaded, or the one that is named."""
    assert [s.variant for s in load_family(family)] == ["small", "large", "large-2x"]
    assert [s.variant for s in load_family(f"{family}@large")] == ["large"]
    assert [s.variant for s in load_family(family, variant="small")] == ["small"]


@pytest.mark.parametrize("variant", ["small", "large", "large-2x"])
def test_resolved_reads_back(variant: str) -> None:
    """A variant with everything written out is the same network, without the others."""
    spec = cnnspec.loads(FAMILY, variant=variant)
    again = cnnspec.loads(to_yaml(spec.resolved()))
    assert again.vars == spec.vars
    assert again.variants == ()
    assert [s.output for s in again.plan().layers] == [s.output for s in spec.plan().layers]


UNKNOWN = {
    "variant": ({"variant": "largr"}, "there is no variant 'largr'. Did you mean 'large'?"),
    "a strange variant": (
        {"variant": "18"},
        "there is no variant '18'. It has small, large or large-2x.",
    ),
    "set": ({"set": {"dept": 3}}, "set: there is no variable 'dept'. Did you mean 'depth'?"),
    "a strange variable": (
        {"set": {"x": 3}},
        "set: there is no variable 'x'. It has size, depth, width or wide.",
    ),
    "a value of nothing": (
        {"set": {"depth": None}},
        "set: depth is nothing; a value is a number, true or false, a word, or a list of these.",
    ),
    "a name above": (
        {"set": {"width": "wide"}},
        "set: unknown name 'wide'; it is neither a name known here nor a word that a layer's field takes.",
    ),
    "no expression": (
        {"set": {"width": "2 *"}},
        "set: cannot read '2 *' as an expression; it may hold",
    ),
    "a value that does not fit": (
        {"set": {"width": True}},
        "7:9: `*` is given true; it takes numbers.",
    ),
    "a value beyond a field": (
        {"set": {"depth": 2.5}},
        "14:13: repeat is 2.5, from `depth`; it must be a whole number from 0 to 10,000.",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_choices(case: tuple[dict[str, Any], str]) -> None:
    """A variant or a variable that there is not, or a value that can't be, is told once."""
    more, message = case
    (problem,) = told(FAMILY, **more)
    assert problem.startswith(message)


def test_a_file_without_variants() -> None:
    """Where there are no variants and no variables, none can be chosen."""
    text = "input: [1, 8]\nlayers: [relu]\n"
    assert told(text, variant="x") == ["there is no variant 'x'. It has no variants."]
    assert told(text, set={"x": 1}) == ["set: there is no variable 'x'. It has none."]


WRONG = {
    "an unknown variable of a variant": ("vars: {a: 1}\nvariants: {x: {b: 1}}", "3:16: unknown variable 'b'. A variant sets what `vars` names."),
    "a misspelt variable of a variant": ("vars: {depth: 1}\nvariants: {x: {dpeth: 1}}", "3:16: unknown variable 'dpeth'. Did you mean 'depth'?"),
    "a variant that uses a later one": ("vars: {a: 1, b: 2}\nvariants: {x: {a: b}}", "3:19: 'b' has no value yet"),
    "a variant of nothing": ("vars: {a: 1}\nvariants: {x: }", "3:15: variant 'x' is nothing; it must be a mapping of variables. Write it like `x: {}`."),
    "a variant of a number": ("vars: {a: 1}\nvariants: {x: 3}", "3:15: variant 'x' is 3; it must be a mapping of variables. Write it like `x: {a: 3}`."),
    "a variant with a space": ("vars: {a: 1}\nvariants: {x y: {}}", "3:12: a variant cannot be called 'x y'; it must be letters"),
    "a list of variants": ("vars: {a: 1}\nvariants: [x]", "3:11: variants is ['x']; it must be a mapping."),
    "an expression that is wrong in a variant": ("vars: {a: 1}\nvariants: {x: {}, y: {a: 2 *}}", "3:26: cannot read '2 *' as an expression"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """Each mistake in variants is told once, at its place."""
    text, message = case
    (problem,) = told(f"input: [4, 6, 6]\n{text}\nlayers: [relu]\n")
    assert problem.startswith(message)
