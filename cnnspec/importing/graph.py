"""The network as operations on feature maps, each a layer or the merging of several."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import fx

from cnnspec.errors import Place, Problem
from cnnspec.importing.trace import Origin
from cnnspec.layers import Layer
from cnnspec.shape import Shape


@dataclass(eq=False, slots=True)
class Op:
    """A layer, a merging (``add``, ``concat``, ``multiply``), or, with neither, the network's input.

    `shape` is that of one sample, channels first. `weights` maps the names of the layer's
    weights to those in the traced module, whose tensors may have other shapes of the same size.
    """

    shape: Shape
    node: fx.Node
    inputs: tuple["Op", ...] = ()
    layer: Layer | None = None
    merge: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        return origin_of(self.node)


class Unreadable(Exception):  # noqa: N818  # it becomes a problem, with the line of the graph
    """What an operation does cannot be said in the language; the sentence of a problem, without its place."""

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def at(self, node: fx.Node, others: int = 0) -> Problem:
        """Return the problem, with the line of the traced graph, and how many `others` it stands for."""
        scopes = origin_of(node).scopes
        where = f", in {scopes[-1].path} ({scopes[-1].kind.__name__})" if scopes else ""
        why = f"{self.why}; " if self.why else ""
        more = f", and {others} more from this line" if others else ""
        why += f"the traced graph has `{code_line(node)}`{where}{more}"
        return Problem(self.what, why, self.fix, place_of(node))


def origin_of(node: fx.Node) -> Origin:
    """Return where a node comes from."""
    found: Origin = node.meta.get("origin", Origin())
    return found


def place_of(node: fx.Node) -> Place | None:
    """Return the line of the user's code that a node comes from."""
    return origin_of(node).place


def code_line(node: fx.Node) -> str:
    """Return the line of the traced graph that a node is."""
    start = ("return ",) if node.op == "output" else (f"{node.name} = ", f"{node.name} : ")
    for line in node.graph.python_code("self").src.splitlines():
        text, _, after = line.strip().partition(";  ")
        after = after.partition(";  ")[0]
        if text.startswith(start):
            return text
        if after.startswith(f"{node.name} = ") and not after.endswith("None"):  # x += y;  iadd = x
            return text
    return node.name


def ancestors(output: Op) -> Iterator[Op]:
    """Yield the operations that an output depends on, each after those it depends on; the output is last."""
    done: set[Op] = set()
    stack = [(output, iter(output.inputs))]
    while stack:
        op, left = stack[-1]
        for one in left:
            if one not in done:
                stack.append((one, iter(one.inputs)))
                break
        else:
            stack.pop()
            if op not in done:
                done.add(op)
                yield op
