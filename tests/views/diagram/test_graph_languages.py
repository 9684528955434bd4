"""Mermaid and DOT: the plan's layers and the ways between them, and nothing in a text is more than text."""

import re
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pydot
import pytest

import cnnspec
from cnnspec.errors import one_line
from cnnspec.plan import Plan, Step
from cnnspec.views.diagram.flow import build
from cnnspec.views.diagram.flow.dot import as_dot
from cnnspec.views.diagram.flow.mermaid import as_mermaid

# pydot 4 calls its parser by the old names.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot.dot_parser")

SPECS = Path(__file__).parents[3] / "specs"

HOSTILE = (
    *(
        "end",
        "1. one",
        "- one",
        "+",
        "# one",
        "---",
        "`x`",
        "**x** _x_",
        'a "quote" b',
        "\\",
        "\\n \\N \\G",
        "}",
    ),
    *(
        "<script>alert(1)</script>",
        "<b>x</b>",
        "&lt; &amp;",
        "#quot; #35;",
        "[x](http://x.y/z)",
        "{x} (y) |z| ;",
    ),
    *(
        "%% x",
        "a --> b",
        "a\nsubgraph b",
        "é 中 ×",
        "\u202ex\x1b[31m",
        "fa:fa-car",
        "$$x^2$$",
        "click n1 call f()",
    ),
)

BRANCHES = """
input: [4, 8, 8]
layers:
  - residual: [relu, conv: {filters: 4, kernel: 1}]
  - concat: {branches: {end: [], style: [sigmoid, tanh]}}
"""


class Picture(NamedTuple):
    """What a program reads from a file: the text of each node, and pairs of nodes with the text between them."""

    nodes: dict[str, str]
    edges: list[tuple[str, str, str]]


_TEXT = r'"((?:[\w ,.:()×→…·]|#\d+;|<br>)*)"'
_LINES = {
    "node": re.compile(rf" +(n\d+)(?:\[{_TEXT}\]|\(\[{_TEXT}\]\)|\(\({_TEXT}\)\))", re.ASCII),
    "edge": re.compile(rf"  (n\d+) -->(?:\|{_TEXT}\|)? (n\d+)", re.ASCII),
    "subgraph": re.compile(rf" +subgraph cluster_\d+\[{_TEXT}\]", re.ASCII),
    "other": re.compile(
        r'---|title: "[\w.-]+"|flowchart TB| +direction TB| +end'
        r"|  classDef [\w-]+ fill:#\w{6},stroke:#\w{6},color:#\w{6}|  class [\w,]+ [\w-]+"
    ),
}


def read_mermaid(text: str) -> Picture:
    """Return what a Mermaid file says; each of its lines must be one of those that we write."""
    found = Picture({}, [])
    for line in text.splitlines():
        kind, match = next((k, m) for k, pattern in _LINES.items() if (m := pattern.fullmatch(line)))
        parts = [decoded(part) for part in match.groups() if part is not None]
        if kind == "node":
            found.nodes[parts[0]] = parts[1]
        elif kind == "edge":
            found.edges.append((parts[0], parts[-1], parts[1] if len(parts) > 2 else ""))
    return found


def decoded(text: str) -> str:
    """Return a text of Mermaid as it is shown."""
    lines = text.split("<br>")
    return "\n".join(re.sub(r"#(\d+);", lambda match: chr(int(match[1])), line) for line in lines)


def read_dot(text: str) -> Picture:
    """Return what a DOT file says, by pydot."""
    graphs = pydot.graph_from_dot_data(text)
    assert graphs is not None
    (graph,) = graphs
    nodes = {node.get_name(): shown(node.get("label")) for node in dot_nodes(graph)}
    edges = [
        (str(e.get_source()), str(e.get_destination()), shown(e.get("label"))) for e in graph.get_edges()
    ]
    return Picture(nodes, edges)


def dot_nodes(graph: pydot.Graph) -> Iterator[pydot.Node]:
    yield from (node for node in graph.get_nodes() if node.get_name() not in ("graph", "node", "edge"))
    for inner in graph.get_subgraphs():
        yield from dot_nodes(inner)


def shown(quoted: str | None) -> str:
    """Return a quoted text of DOT as Graphviz shows it."""
    text = (quoted or '""')[1:-1].replace('\\"', '"')
    signs = {"\\\\": "\\", "\\n": "\n"}
    return re.sub(r"\\.", lambda match: signs[match[0]], text).replace("&amp;", "&")


Write = Callable[..., str]
Read = Callable[[str], Picture]
READERS: dict[str, tuple[Write, Read]] = {"Mermaid": (as_mermaid, read_mermaid), "DOT": (as_dot, read_dot)}
each_language = pytest.mark.parametrize(("write", "read"), READERS.values(), ids=READERS)


def ways(plan: Plan) -> set[tuple[str, str]]:
    """Return what follows what in a plan, by its steps alone: layers by path, merges by path and sign."""
    found: set[tuple[str, str]] = set()

    def follow(step: Step, before: str) -> str:
        if step.layer:
            found.add((before, step.path))
            return step.path
        if step.composite:
            found.update((follow(part, before), f"{step.path} merged") for part in step.children)
            return f"{step.path} merged"
        for child in step.children:
            before = follow(child, before)
        return before

    last = "input"
    for step in plan.steps:
        last = follow(step, last)
    return found | {(last, "output")}


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("Mermaid", "lenet5_1998"),
        ("Mermaid", "unet"),
        ("Mermaid", "edges"),
        ("DOT", "edges"),
    ],  # pydot is slow
)
def test_opened_graph_is_the_plan(language: str, name: str) -> None:
    """Opened as deep as can be, the file has the plan's layers in order, and what follows what in it."""
    write, read = READERS[language]
    plan = cnnspec.load(SPECS / f"{name}.yaml").plan()
    picture = read(write(plan, 99))
    merges = iter(step for step in merged(plan.steps))
    leaves = iter(plan.layers)
    names = {}
    for node, text in sorted(picture.nodes.items(), key=lambda pair: int(pair[0][1:])):
        if text in ("input", "output"):
            names[node] = text
        elif text in ("+", "×", "concat"):
            names[node] = f"{next(merges).path} merged"
        else:
            step = next(leaves)
            assert step.type in text
            names[node] = step.path
    assert next(leaves, None) is None
    assert {(names[start], names[end]) for start, end, _ in picture.edges} == ways(plan)


def merged(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the compositions of several parts, each after those within it."""
    for step in steps:
        yield from merged(step.children)
        if step.composite:
            yield step


@each_language
def test_closed_graph(write: Write, read: Read) -> None:
    """Without a depth it has the boxes and shapes of the picture, and each panel between an input and an output."""
    picture = read(write(cnnspec.load(SPECS / "resnet.yaml").plan()))
    texts = list(picture.nodes.values())
    assert texts[5] == "stage.0: basic ×2\nwidth 64"
    assert texts.count("input") == texts.count("output") == 3
    assert texts.count("+") == 2
    ids = {text: node for node, text in picture.nodes.items()}
    start = ids["stage.0: basic ×2\nwidth 64"]
    assert [label for first, _, label in picture.edges if first == start] == ["64×56×56"]
    assert len(picture.edges) == len(texts) - 3 + 2  # each part but its input has an edge, and each shortcut


@each_language
def test_any_text_is_only_text(write: Write, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in a box is read as it is: neither a word of the language nor markup nor an escape."""
    given = cycle(HOSTILE)
    monkeypatch.setattr(build, "layer_label", lambda _: next(given))
    plan = cnnspec.loads(f"input: [4, 8]\nlayers: [{', '.join(['tanh'] * len(HOSTILE))}]").plan()
    texts = list(read(write(plan)).nodes.values())
    assert texts == ["input", *(one_line(text) for text in HOSTILE), "output"]


@each_language
def test_names_of_branches_are_no_words_of_the_language(write: Write, read: Read) -> None:
    """Parts and branches may be called as words of the language are."""
    picture = read(write(cnnspec.loads(BRANCHES).plan()))
    assert list(picture.nodes.values()) == [
        *("input", "relu", "conv 1×1, 4", "+", "sigmoid", "tanh", "concat", "output"),
    ]
    assert ("n4", "n7", "4×8×8") in picture.edges  # the branch without layers
