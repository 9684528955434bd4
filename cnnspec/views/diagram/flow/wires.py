"""A flow graph as nodes, edges and clusters, for the languages of other programs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cnnspec.plan import Plan
from cnnspec.shape import Shape, times
from cnnspec.views.diagram.flow.build import build
from cnnspec.views.diagram.flow.graph import Cell, Fork, Frame, Row, Stack, Unit
from cnnspec.views.diagram.labels import hover, merge_hover


@dataclass(frozen=True, slots=True)
class Node:
    """A box, or a round sign where branches meet; `lines` are its text."""

    name: str
    lines: tuple[str, ...]
    role: str
    hover: str = ""
    round: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a node to another, told by the shape that goes it; none between boxes of a stack."""

    start: str
    end: str
    label: str = ""


@dataclass(slots=True)
class Cluster:
    """What stands in a frame; the outermost one has no title."""

    name: str = ""
    title: str = ""
    nodes: list[Node] = field(default_factory=list)
    clusters: list["Cluster"] = field(default_factory=list)

    def inner(self) -> Iterator["Cluster"]:
        """Yield all clusters within."""
        for cluster in self.clusters:
            yield cluster
            yield from cluster.inner()

    def every(self) -> Iterator[Node]:
        """Yield all nodes, those of inner clusters, too."""
        for cluster in (self, *self.inner()):
            yield from cluster.nodes


@dataclass(frozen=True, slots=True)
class Wires:
    """Everything in the outermost cluster, and all edges."""

    cluster: Cluster
    edges: tuple[Edge, ...]


def wires(plan: Plan, depth: int | None = None) -> Wires:
    """Return the flow graph of a network, opened `depth` levels, as nodes, edges and clusters."""
    graph, wiring = build(plan, depth), _Wiring()
    outermost = Cluster()
    wiring.whole(graph.row, plan.output_shape, outermost)
    for panel in graph.panels:
        title = f"{panel.title}: {panel.detail}" if panel.detail else panel.title
        wiring.whole(panel.row, panel.row.output, wiring.cluster(title, outermost))
    return Wires(outermost, tuple(wiring.edges))


@dataclass(slots=True)
class _Wiring:
    """Gives names to nodes and clusters in turn, and collects the edges."""

    edges: list[Edge] = field(default_factory=list)
    nodes: int = 0
    clusters: int = 0

    def node(self, cluster: Cluster, *lines: str, role: str, hover: str = "", round: bool = False) -> str:  # noqa: A002  # Graphviz's word
        self.nodes += 1
        name = f"n{self.nodes}"
        cluster.nodes.append(Node(name, tuple(line for line in lines if line), role, hover, round))
        return name

    def cluster(self, title: str, within: Cluster) -> Cluster:
        self.clusters += 1
        cluster = Cluster(f"cluster_{self.clusters}", title)
        within.clusters.append(cluster)
        return cluster

    def whole(self, row: Row, output: Shape, cluster: Cluster) -> None:
        """Add a row between a node for its input and one for its output."""
        start = self.node(cluster, "input", role="input")
        last, label = self.row(row, start, times(row.input), cluster)
        self.edges.append(Edge(last, self.node(cluster, "output", role="input"), label or times(output)))

    def row(self, row: Row, start: str, label: str, cluster: Cluster) -> tuple[str, str]:
        """Add a row after a node; return the last node, and what is told of the edge that leaves it."""
        for unit in row.units:
            start, label = self.unit(unit, start, label, cluster), times(unit.output)
        return start, label

    def unit(self, unit: Unit, start: str, label: str, cluster: Cluster) -> str:
        """Add a unit after a node; return its last node."""
        match unit:
            case Stack(cells):
                for cell in cells:
                    name = self.cell(cell, cluster)
                    self.edges.append(Edge(start, name, label))
                    start, label = name, ""
                return start
            case Frame(title, row):
                return self.row(row, start, label, self.cluster(title, cluster))[0]
            case Fork():
                ends = [self.row(branch.row, start, label, cluster) for branch in unit.branches]
                meet = self.node(
                    cluster, unit.sign, role="composition", hover=merge_hover(unit), round=len(unit.sign) == 1
                )
                for (last, told), branch in zip(ends, unit.branches, strict=True):
                    several = f"×{branch.count} " if branch.count > 1 else ""
                    self.edges.append(Edge(last, meet, several + told))
                return meet

    def cell(self, cell: Cell, cluster: Cluster) -> str:
        told = hover(cell.steps) if cell.steps else ""
        return self.node(cluster, cell.text, cell.detail, role=cell.role, hover=told)
