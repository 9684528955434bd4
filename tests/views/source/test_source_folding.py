"""What all instances of a block have in common becomes one class; each case is run beside the model, too."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from plugin_fixtures import LAYER, write_package
from test_source_random import network

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.views.source import as_source


@dataclass(frozen=True)
class Case:
    """A spec's blocks and layers, and lines that must stand in its source."""

    name: str
    blocks: str
    layers: str
    expected: str
    shape: str = "[4, 8, 8]"
    vars: str = ""


CASES = (
    Case(
        "arguments",
        "b: {args: {filters: null, kernel: 1}, layers: [conv: {filters: filters, kernel: kernel, padding: kernel // 2}]}",
        "[b: 8, b: {filters: 16, kernel: 3}]",
        """
        def __init__(self, in_channels: int, filters: int, kernel: int = 1) -> None:
        self.conv1 = nn.Conv2d(in_channels, filters, kernel, padding=kernel // 2)
        self.b1 = B(4, 8)
        self.b2 = B(8, 16, kernel=3)
        """,
    ),
    Case(
        "what never differs is no argument",
        "b: {args: {filters: null, kernel: 3}, layers: [conv: {filters: filters, kernel: kernel, padding: 1}]}",
        "[b: 8, b: 16]",
        """
        def __init__(self, in_channels: int, filters: int) -> None:
        self.conv1 = nn.Conv2d(in_channels, filters, 3, padding=1)
        """,
    ),
    Case(
        "a default that always holds is calculated",
        "b: {args: {width: null, inner: 4 * width}, layers: [conv: {filters: inner, kernel: 1}, conv: {filters: width, kernel: 1}]}",
        "[b: 2, b: 4]",
        """
        def __init__(self, in_channels: int, width: int) -> None:
        inner = 4 * width
        self.conv1 = nn.Conv2d(in_channels, inner, 1)
        self.conv2 = nn.Conv2d(inner, width, 1)
        """,
    ),
    Case(
        "one that does not hold everywhere is an argument",
        "b: {args: {width: null, inner: 4 * width}, layers: [conv: {filters: inner, kernel: 1}, conv: {filters: width, kernel: 1}]}",
        "[b: 2, b: {width: 4, inner: 5}]",
        "def __init__(self, in_channels: int, width: int, inner: int) -> None:",
    ),
    Case(
        "arguments that are always equal are one",
        "b: {args: {width: in_channels, out: width}, layers: [conv: {filters: width, kernel: 1}, conv: {filters: out, kernel: 1}]}",
        "[b, conv: {filters: 6, kernel: 1}, b]",
        """
        def __init__(self, in_channels: int) -> None:
        self.conv2 = nn.Conv2d(in_channels, in_channels, 1)
        """,
    ),
    Case(
        "variables are numbers",
        "b: {args: {n: null}, layers: [conv: {filters: n * width // 2, kernel: 1}]}",
        "[b: 2, b: 3]",
        "self.conv1 = nn.Conv2d(4, 2 * n, 1)",
        vars="{width: 4}",
    ),
    Case(
        "what divides is made whole",
        "b: {args: {n: null}, layers: [conv: {filters: 0.5 * n * n + 0.5 * n, kernel: 1}]}",
        "[b: 2, b: 3]",
        "self.conv1 = nn.Conv2d(in_channels, int(0.5 * n * n + 0.5 * n), 1)",
    ),
    Case(
        "functions",
        "b: {args: {n: null}, layers: [conv: {filters: 'ceil(n / 2) + make_divisible(n, 8)', kernel: 1}]}",
        "[b: 2, b: 9, b: 30]",
        """
        import math
        def make_divisible(value: float, divisor: float = 8) -> int:
        self.conv1 = nn.Conv2d(in_channels, math.ceil(n / 2) + make_divisible(n, 8), 1)
        """,
    ),
    Case(
        "a condition of the spec",
        "b: {args: {n: null}, layers: [{relu: {}, when: n > 2}, {tanh: {}, when: not n > 2}]}",
        "[b: 2, b: 3]",
        """
        if n > 2:
            self.relu1 = nn.ReLU()
        else:
            self.tanh1 = nn.Tanh()
        """,
    ),
    Case(
        "otherwise",
        "b: {args: {hard: null}, layers: [{relu: {}, when: hard}, {tanh: {}, when: not hard}]}",
        "[b: true, b: false]",
        """
        def __init__(self, hard: bool) -> None:
        if hard:
            self.relu1 = nn.ReLU()
        else:
            self.tanh1 = nn.Tanh()
        self.b1 = B(hard=True)
        """,
    ),
    Case(
        "a condition that only the spec can tell",
        "b: {args: {n: null}, layers: [{relu: {}, when: 'flags[n]'}, conv: {filters: 4, kernel: 1}]}",
        "[b: 0, b: 1]",
        """
        def __init__(self, with_relu: bool) -> None:
        if with_relu:
        self.b2 = B(with_relu=False)
        """,
        vars="{flags: [true, false]}",
    ),
    Case(
        "numbers of names that follow a condition",
        "b: {args: {n: null}, layers: [{relu: {}, when: n > 2}, conv: {filters: n, kernel: 1}, relu]}",
        "[b: 2, b: 3]",
        'self.add_module(f"relu{2 if n > 2 else 1}", nn.ReLU())',
    ),
    Case(
        "a shortcut in some instances",
        "b: {args: {n: null}, layers: [residual: {layers: [conv: {filters: n, kernel: 1}, relu], shortcut: "
        "[{conv: {filters: n, kernel: 1}, when: in_channels != n}]}]}",
        "[b: 4, b: 8]",
        """
        layers = sequential(conv1=nn.Conv2d(4, n, 1), relu1=nn.ReLU())
        shortcut = nn.Sequential()
        if n != 4:
            shortcut.conv1 = nn.Conv2d(4, n, 1)
        self.residual1 = Residual(layers, shortcut)
        """,
    ),
    Case(
        "no shortcut in some instances",
        "b: {args: {n: null}, layers: [residual: {skip: in_channels == n, layers: [conv: {filters: n, kernel: 1}]}]}",
        "[b: 4, b: 8, b: 8]",
        """
        layers = sequential(conv1=nn.Conv2d(in_channels, n, 1))
        skip = in_channels == n
        self.residual1 = (
            Residual(layers, nn.Identity()) if skip else sequential(layers=layers)
        """,
    ),
    Case(
        "rounds that are alike",
        "b: {args: {n: null, count_: null}, layers: [{conv: {filters: n, kernel: 1}, repeat: count_}]}",
        "[b: {n: 4, count_: 3}, b: {n: 4, count_: 2}]",
        """
        def __init__(self, count_: int) -> None:
        for number in range(1, count_ + 1):
            self.add_module(f"conv{number}", nn.Conv2d(4, 4, 1))
        """,
    ),
    Case(
        "all rounds but the first",
        "b: {args: {n: null, depth: null}, layers: [{conv: {filters: n, kernel: 1, stride: 2 if index == 0 else 1}, repeat: depth}]}",
        "[b: {n: 8, depth: 3}, b: {n: 16, depth: 2}, b: {n: 5, depth: 1}]",
        """
        self.conv1 = nn.Conv2d(in_channels, n, 1, stride=2)
        for number in range(2, depth + 1):
            self.add_module(f"conv{number}", nn.Conv2d(n, n, 1))
        """,
    ),
    Case(
        "rounds that grow",
        "dense: {layers: [concat: [[], [conv: {filters: 3, kernel: 1}]]]}",
        "[{sequence: [{dense: {}, repeat: 'depths[index]'}, {conv: {filters: 6, kernel: 1}}], name: blocks, repeat: 2}]",
        """
        class Block(nn.Sequential):
        def __init__(self, in_channels: int, depth: int) -> None:
        for index in range(depth):
            self.add_module(f"dense{index + 1}", Dense(in_channels + 3 * index))
        self.conv1 = nn.Conv2d(in_channels + 3 * depth, 6, 1)
        self.blocks = nn.Sequential(
        """,
        vars="{depths: [2, 4]}",
    ),
    Case(
        "rounds that a formula tells apart",
        "b: {args: {n: null, depth: null}, layers: [{dropout: 0.1 * (n + index), repeat: depth}]}",
        "[b: {n: 1, depth: 3}, b: {n: 2, depth: 2}]",
        """
        for index in range(depth):
            self.add_module(f"dropout{index + 1}", nn.Dropout(p=0.1 * (n + index)))
        """,
    ),
    Case(
        "rounds that only the spec can tell apart",
        "b: {args: {n: null}, layers: [{conv: {filters: 'table[n][index]', kernel: 1}, repeat: 2}]}",
        "[b: 0, b: 1]",
        """
        def __init__(self, in_channels: int, filters: int, filters_2: int) -> None:
        self.conv1 = nn.Conv2d(in_channels, filters, 1)
        self.conv2 = nn.Conv2d(filters, filters_2, 1)
        """,
        vars="{table: [[5, 7], [6, 9]]}",
    ),
    Case(
        "named rounds",
        "b: {args: {n: null}, layers: [{conv: {filters: n, kernel: 1}, repeat: 3, name: convs}]}",
        "[b: 8, b: 16]",
        """
        self.convs = nn.Sequential(
            nn.Conv2d(in_channels, n, 1), *(nn.Conv2d(n, n, 1) for _ in range(1, 3))
        )
        """,
    ),
    Case(
        "rounds with gaps",
        "b: {layers: [{relu: {}, repeat: 4, when: index != 1, name: r}]}",
        "[b]",
        'r.add_module("2", nn.ReLU())',
    ),
    Case(
        "many rounds in the network itself",
        "b: {args: {n: 4}, layers: [conv: {filters: n, kernel: 1}]}",
        "[{b: {}, repeat: 6}, {b: {}, repeat: 6, name: six}]",
        """
        for number in range(1, 7):
            self.add_module(f"b{number}", B())
        self.six = nn.Sequential(*(B() for _ in range(6)))
        """,
    ),
    Case(
        "entries of lists are arguments",
        "b: {args: {n: null}, layers: [conv: {filters: 'widths[n]', kernel: 1}, dropout: 'rates[n] / 2']}",
        "[b: 0, b: 1, b: 2]",
        """
        def __init__(self, in_channels: int, filters: int, rate: float) -> None:
        self.dropout1 = nn.Dropout(p=rate / 2)
        self.b1 = B(4, filters=5, rate=0.25)
        """,
        vars="{widths: [5, 7, 6], rates: [0.25, 0.5, 0.125]}",
    ),
    Case(
        "a number that is only asked something",
        "b: {args: {n: null}, layers: [{relu: {}, when: n > 1}]}",
        "[b: 0, b: 2]",
        """
        def __init__(self, with_relu: bool) -> None:
        self.b2 = B(with_relu=True)
        """,
    ),
    Case(
        "two kinds are two classes",
        "b: {layers: [batchnorm]}",
        "[b, flatten, b]",
        """
        class B(nn.Sequential):
        class B2(nn.Sequential):
        self.b2 = B2()
        """,
    ),
    Case(
        "inputs of dense layers",
        "b: {args: {n: null}, layers: [flatten, fc: n]}",
        "[concat: [[b: 3], [{maxpool: 2}, b: 5]]]",
        """
        def __init__(self, n: int, in_features: int) -> None:
        branch0 = sequential(b1=B(3, in_features=256))
        self.concat1 = Concat(branch0, branch1)
        """,
    ),
    Case(
        "lists and words",
        "b: {args: {kernel: null, mode: zeros}, layers: [conv: {filters: 4, kernel: kernel, padding: same, padding_mode: mode}]}",
        "[b: 3, b: {kernel: [1, 5], mode: reflect}]",
        """
        def __init__(self, kernel: int | tuple[int, int], mode: str = "zeros") -> None:
        self.b2 = B((1, 5), mode="reflect")
        """,
    ),
    Case(
        "deep nesting is cut into classes",
        "",
        "[concat: {branches: {here: [], below: [maxpool: 2, concat: {branches: {here: [], below: "
        "[maxpool: 2, concat: [[], [relu]], upsample: 2]}}, upsample: 2]}}]",
        """
        class Below(nn.Sequential):
        self.concat1 = Concat(here=nn.Identity(), below=Below())
        """,
    ),
    Case(
        "names of Python",
        "nn: {args: {self: null, x: 1}, layers: [conv: {filters: self, kernel: x}]}",
        "[nn: 5, nn: {self: 6, x: 2}]",
        """
        class Nn(nn.Sequential):
        def __init__(self, in_channels: int, self_: int, x_: int = 1) -> None:
        self.nn2 = Nn(5, 6, x_=2)
        """,
    ),
    Case(
        "one dimension",
        "b: {args: {n: null}, layers: [conv: {filters: n, kernel: 3}, batchnorm, layer_scale]}",
        "[b: 4, b: 6]",
        """
        self.conv1 = nn.Conv1d(in_channels, n, 3)
        self.layer_scale1 = LayerScale((n, 1))
        """,
        shape="[2, 20]",
    ),
)


def plan_of(case: Case) -> cnnspec.Plan:
    sections = [f"input: {case.shape}", f"layers: {case.layers}"]
    sections += [f"vars: {case.vars}"] if case.vars else []
    sections += [f"blocks:\n  {case.blocks}"] if case.blocks else []
    return cnnspec.loads("\n".join(sections)).plan()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@torch.no_grad()
def test_case(case: Case) -> None:
    """The source has the lines that are expected, in order; it is the network, with the same first weights."""
    plan = plan_of(case)
    source = as_source(plan)
    lines = [line.partition("  # ")[0].strip() for line in source.splitlines()]
    for expected in case.expected.strip().splitlines():
        assert expected.strip() in lines, source
        del lines[: lines.index(expected.strip())]
    torch.manual_seed(0)
    model = plan.build().eval()
    torch.manual_seed(0)
    other = network(source)().eval()
    assert list(other.state_dict()) == list(model.state_dict())
    x = torch.randn(2, *plan.input_shape)
    assert torch.equal(other(x), model(x))


def test_nothing_unused() -> None:
    """A file defines and imports nothing that it does not use."""
    tree = ast.parse(as_source(cnnspec.loads("input: [1, 8, 8]\nlayers: [relu]").plan()))
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "Import", "ImportFrom", "ClassDef", "If"]


def test_many_layers() -> None:
    """As many layers as a spec may have, each another one, and as deeply nested as may be, are source, too."""
    many = "\n".join(f"  - conv: {{filters: {n % 7 + 1}, kernel: 1}}" for n in range(2000))
    source = as_source(cnnspec.loads(f"input: [1, 4, 4]\nlayers:\n{many}").plan())
    assert source.count("nn.Conv2d(") == 2000
    nested: object = ["relu"]
    for _ in range(15):
        nested = [{"concat": [[], nested]}]
    plan = cnnspec.loads(f"input: [1, 1, 1]\nlayers: {nested}").plan()
    assert list(network(as_source(plan))().state_dict()) == []


def test_foreign_layer(site: Path) -> None:
    """Of a layer whose module is not made through the namespace, it is told that it cannot be written."""
    write_package(site, "own_layers", LAYER.replace("return nn.Identity()", "return object()"))
    plan = cnnspec.loads("input: [1, 8, 8]\nlayers: [doubled]").plan()
    with pytest.raises(SpecError, match="doubled1 cannot be written as source"):
        as_source(plan)
