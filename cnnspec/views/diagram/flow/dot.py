"""The flow graph of a network in the DOT language (https://graphviz.org/doc/info/lang.html)."""

from collections.abc import Iterator

from cnnspec.errors import one_line
from cnnspec.plan import Plan
from cnnspec.views.diagram.flow.wires import Cluster, Node, wires
from cnnspec.views.drawing.palette import LIGHT_INK, ROLES

HEAD = f"""\
  graph [fontname="Helvetica", labelloc=t, labeljust=l, nodesep=0.3, ranksep=0.35]
  node [shape=box, style=filled, fontname="Helvetica", fontsize=11, fontcolor="{LIGHT_INK}", height=0.3]
  edge [fontname="Helvetica", fontsize=9, arrowsize=0.7]"""


def as_dot(plan: Plan, depth: int | None = None) -> str:
    """Return a network, opened `depth` levels, as the text of a DOT file."""
    wiring = wires(plan, depth)
    lines = [f"digraph {_quoted(plan.name)} {{", HEAD, f"  label={_quoted(plan.name)}"]
    lines += _cluster(wiring.cluster, 1)
    for edge in wiring.edges:
        label = f" [label={_quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  {edge.start} -> {edge.end}{label}")
    return "\n".join([*lines, "}"]) + "\n"


def _cluster(cluster: Cluster, level: int) -> Iterator[str]:
    indent, (frame, _) = "  " * level, ROLES["frame"]
    for node in cluster.nodes:
        yield f"{indent}{node.name} [{_attributes(node)}]"
    for inner in cluster.clusters:
        yield f"{indent}subgraph {inner.name} {{"
        yield f'{indent}  label={_quoted(inner.title)} style="rounded,filled"'
        yield f'{indent}  fillcolor="{frame.fill}" color="{frame.stroke}"'
        yield from _cluster(inner, level + 1)
        yield f"{indent}}}"


def _attributes(node: Node) -> str:
    paint, _ = ROLES[node.role]
    told = [f"label={_quoted(*node.lines)}", f'fillcolor="{paint.fill}"', f'color="{paint.stroke}"']
    if node.hover:
        told.append(f"tooltip={_quoted(*node.hover.splitlines())}")
    if node.round:
        told.append("shape=circle, width=0.3, fixedsize=true")
    return ", ".join(told)


def _quoted(*lines: str) -> str:
    """Return lines as a text of DOT, in which all signs are only signs: no escapes, no entities."""
    text = (one_line(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(text) + '"'
