"""The style `blocks`: a flow graph from top to bottom, and a panel for each block."""

from collections.abc import Iterable

from cnnspec.plan import Plan
from cnnspec.views.diagram.flow.build import build
from cnnspec.views.diagram.flow.fold import measure_fold
from cnnspec.views.diagram.flow.graph import Cell, Graph, Row, Stack
from cnnspec.views.diagram.flow.measure import measure_row
from cnnspec.views.diagram.flow.sheet import sheet
from cnnspec.views.drawing.scene import Scene


def blocks(plan: Plan, depth: int | None = None) -> Scene:
    """Return the picture of a network as a flow graph, opened `depth` levels."""
    graph = build(plan, depth)
    ends = (
        Stack((Cell((), name, role="input"),), shape)
        for name, shape in (("input", plan.input_shape), ("output", plan.output_shape))
    )
    first, last = ends
    row = Row(plan.input_shape, (first, *graph.row.units, last))
    return sheet(plan, measure_fold(row) or measure_row(row), graph.panels, set(families(graph)))


def families(graph: Graph) -> Iterable[str]:
    """Yield the families of the layers and compositions of a graph."""
    for row in (graph.row, *(panel.row for panel in graph.panels)):
        for cell in row.cells():
            if cell.steps and cell.steps[0].layer:
                yield cell.steps[0].layer.family
        if any(True for _ in row.forks()):
            yield "composition"
