"""What the source looks like, and that nothing in a spec can make it another program."""

import ast
import keyword
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_source_random import network

import cnnspec
from cnnspec.language.data import Normalize
from cnnspec.language.items import RESERVED
from cnnspec.language.yaml_text import to_yaml
from cnnspec.views.source import as_source
from cnnspec.views.source.trained import Trained

SPECS = Path(__file__).parents[3] / "specs"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("lenet5", "lenet5.yaml"),
        ("resnet18", "resnet.yaml@resnet18"),
        ("mobilenet_v3_small", "mobilenet_v3.yaml@mobilenet_v3_small"),
    ],
)
def test_golden(name: str, file: str, golden: Callable[[str, str], None]) -> None:
    """It reads as a person would write it."""
    text = as_source(cnnspec.load(SPECS / file).plan())
    golden(f"source_{name}.txt", text.replace(cnnspec.__version__, "VERSION"))


def names(most: int = 12) -> st.SearchStrategy[str]:
    """Return names that a module may have."""
    words = st.from_regex(rf"[A-Za-z][A-Za-z0-9_]{{0,{most}}}", fullmatch=True) | st.sampled_from(AWKWARD)
    return words.filter(lambda word: word not in RESERVED and not keyword.iskeyword(word))


AWKWARD = (
    *("nn", "torch", "Tensor", "self", "x", "sequential", "range", "super", "F", "OrderedDict", "print"),
    *("layers", "shortcut", "skip", "number", "in_channels", "match", "case", "int", "chain", "Concat"),
    *("named", "numbered", "network", "name", "outputs", "make_divisible", "math", "Net", "branch"),
)
"""Names that mean something in the source, or in Python."""

CONV = {"conv": {"filters": 4, "kernel": 1}}


@settings(max_examples=100)
@given(item=names(), branch=names(), block=names(), argument=names(), network_name=names())
def test_names(item: str, branch: str, block: str, argument: str, network_name: str) -> None:
    """Whatever layers, branches, blocks, arguments and the network are called, keys and program are the same."""
    branches = {branch: [block], f"{branch}_2": [CONV, {"relu": {}, "when": f"{argument} > 2"}]}
    inner = [
        {"conv": {"filters": argument, "kernel": 1}, "name": item},
        {"residual": [CONV | {"name": item}, "relu"]},
        {"concat": {"branches": branches}},
    ]
    values = {
        "name": network_name,
        "input": [4, 3, 3],
        "blocks": {
            block: {"args": {"size_": 4}, "layers": [{"conv": {"filters": "size_", "kernel": 1}}]},
            "outer": {"args": {argument: None}, "layers": inner},
        },
        "layers": [{"outer": 4}, {"outer": 2}, {"outer": 4, "repeat": 3} | {"outer": 4}],
    }
    try:
        plan = cnnspec.loads(to_yaml(values)).plan()
    except cnnspec.SpecError:
        return  # a name that the spec itself cannot have
    state = network(as_source(plan))().state_dict()
    assert list(state) == list(plan.build().state_dict())


@settings(max_examples=150)
@given(st.text() | st.text(alphabet="\"'\\\n{}$ \t#\N{LINE SEPARATOR}\x0b\x0c\r\x85a"))
def test_description(text: str) -> None:
    """No description ends the docstring that it stands in; its words are there."""
    try:
        spec = cnnspec.loads(to_yaml({"description": text, "input": [1, 4, 4], "layers": ["relu"]}))
    except cnnspec.SpecError:
        return  # a text that YAML cannot have
    source = as_source(spec.plan())
    tree = ast.parse(source)
    kinds = [ast.Expr, ast.Import, ast.ImportFrom, ast.ClassDef, ast.If]
    assert [type(node) for node in tree.body] == kinds
    words = re.sub(r"[^!-\[\]-~]+", "", text)  # of signs that every text has
    assert words in re.sub(r"[^!-\[\]-~]+", "", ast.get_docstring(tree) or "")
    assert {"\x00", "\x1b", "\x9b", "\N{RIGHT-TO-LEFT OVERRIDE}"}.isdisjoint(source)


HOSTILE = [
    '"""\nimport os\nos.system("true")\n"""',
    '\\"""\nraise SystemExit(1)',
    'ends with a quote"',
    '"begins with one, and ends with a backslash \\',
    "\\N{DIGIT ONE} \\u0041 \\x",
    "'''",
    '""""""""',
    "{plan.params} %s %(x)s $x",
]


def test_hostile_descriptions_are_formatted(tmp_path: Path) -> None:
    """Ruff would not write such docstrings otherwise, and they are what the description says."""
    for number, text in enumerate(HOSTILE):
        spec = cnnspec.loads(to_yaml({"description": text, "input": [1, 4, 4], "layers": ["relu"]}))
        source = as_source(spec.plan())
        (tmp_path / f"net{number}.py").write_text(source, "utf-8")
        told = ast.get_docstring(ast.parse(source)) or ""
        assert " ".join(text.split()) in " ".join(told.split())
    check_format(tmp_path)


def check_format(folder: Path) -> None:
    """Check that Ruff would not write the files of a folder otherwise."""
    command = [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", "--no-cache"]
    result = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("length", [1, 3, 20, 64])
def test_what_is_long_is_formatted(length: int, tmp_path: Path) -> None:
    """Whatever is long in a run or a spec is written in lines as Ruff would have them."""
    share = float(f"0.{'7' * min(length, 16)}")
    for number, (shape, digits) in enumerate(
        [
            ((1, 28, 28), True),
            ((1, 32, 30), True),
            ((3, 900, 1000), True),
            ((28, 28), True),
            ((3, 8, 8), False),
            ((5, 7), False),
        ]
    ):
        matrix = {"image_filter": {"kernel": [[share] * 3] * 3, "padding": 1}}
        layers = [*([matrix] if len(shape) == 3 else []), "flatten", {"fc": 7}]
        text = to_yaml({"name": "n" * length, "input": [*shape], "layers": layers})
        facts = Trained(
            run="r",
            weights=f"{'w' * length}'.safetensors",
            epoch=1,
            accuracy=share,
            classes=tuple("abcdefg"[n] * length for n in range(7)),
            statistics=Normalize(mean=(share,) * 3 if shape[0] == 3 else share, std=share),
            digits=digits,
            logarithms=False,
        )
        (tmp_path / f"net{number}.py").write_text(as_source(cnnspec.loads(text).plan(), facts), "utf-8")
    check_format(tmp_path)


def test_hostile_file_name(tmp_path: Path) -> None:
    """The name of the spec's file is only told."""
    path = tmp_path / 'a""" \x1b[31m\n\\ b.yaml'
    path.write_text("input: [1, 4, 4]\nlayers: [relu]\n")
    source = as_source(cnnspec.load(path).plan())
    assert len(ast.parse(source).body) == 5
    assert "\x1b" not in source


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("resnet50", "ResNet (He et al., 2015).", "ResNet50"),
        ("resnext50_32x4d", "ResNet, ResNeXt and Wide ResNet", "ResNeXt50_32x4d"),
        ("wide_resnet50_2", "ResNet, ResNeXt and Wide ResNet", "WideResNet50_2"),
        ("lenet5-best", "LeNet-5 with a recipe.", "LeNet5Best"),
        ("se_resnet50", "SE-ResNet: bottlenecks", "SEResNet50"),
        ("efficientnet_b0", "EfficientNet: one small network", "EfficientNetB0"),
        ("my_net", "A network for nothing.", "MyNet"),
        ("3d", "", "Net3d"),
        ("___", "", "Net"),
        ("a.b-c", "", "ABC"),
        ("True", "", "True2"),
        ("OrderedDict", "", "OrderedDict2"),
        ("Residual", "", "Residual2"),
        ("Sequence", "", "Sequence2"),
    ],
)
def test_class_name(name: str, description: str, expected: str) -> None:
    """The network's class is called as its description writes it, or as its name says."""
    text = to_yaml({"name": name, "description": description, "input": [1, 4, 4], "layers": ["relu"]})
    assert network(as_source(cnnspec.loads(text).plan())).__name__ == expected


def test_repeatable() -> None:
    """The same spec gives the same text in another process, whatever Python's hash seed is."""
    path = SPECS / "efficientnet_v2.yaml"
    program = (
        f"import cnnspec, hashlib; from cnnspec.views.source import as_source; "
        f"print(hashlib.sha256(as_source(cnnspec.load({str(path)!r}).plan()).encode()).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(result.stdout)
    assert len(found) == 1


def test_float_values_are_exact() -> None:
    """Numbers are written so that they are read as the same."""
    for value in (1e-6, 0.1 + 0.2, 1 / 3, 123456789.125, 5e-324, 1e22):
        text = to_yaml({"input": [2, 4, 4], "layers": [{"layer_scale": value}]})
        plan = cnnspec.loads(text).plan()
        (scale,) = network(as_source(plan))().state_dict().values()
        assert torch.equal(scale, torch.full((2, 1, 1), value))
