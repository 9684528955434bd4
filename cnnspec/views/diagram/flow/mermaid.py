"""The flow graph of a network as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

import re
from collections.abc import Iterator

from cnnspec.errors import one_line
from cnnspec.plan import Plan
from cnnspec.views.diagram.flow.wires import Cluster, Node, wires
from cnnspec.views.drawing.palette import LIGHT_INK, ROLES

_SPECIAL = re.compile(r"[^\w ,.:()×→…·]|_|\.(?!\d)", re.ASCII)
"""What Mermaid might take for more than text, in its own grammar, in Markdown and in HTML."""


def as_mermaid(plan: Plan, depth: int | None = None) -> str:
    """Return a network, opened `depth` levels, as the text of a Mermaid file."""
    wiring = wires(plan, depth)
    nodes = list(wiring.cluster.every())
    lines = ["---", f'title: "{plan.name}"', "---", "flowchart TB", *_cluster(wiring.cluster, 1)]
    for edge in wiring.edges:
        label = f"|{_quoted(edge.label)}|" if edge.label else ""
        lines.append(f"  {edge.start} -->{label} {edge.end}")
    frames = [cluster.name for cluster in wiring.cluster.inner()]
    members = {role: [node.name for node in nodes if node.role == role] for role in ROLES} | {"frame": frames}
    for role, names in members.items():
        if names:
            paint, _ = ROLES[role]
            lines.append(f"  classDef {role} fill:{paint.fill},stroke:{paint.stroke},color:{LIGHT_INK}")
            lines.append(f"  class {','.join(names)} {role}")
    return "\n".join(lines) + "\n"


def _cluster(cluster: Cluster, level: int) -> Iterator[str]:
    indent = "  " * level
    for node in cluster.nodes:
        yield f"{indent}{node.name}{_shape(node)}"
    for inner in cluster.clusters:
        yield f"{indent}subgraph {inner.name}[{_quoted(inner.title)}]"
        yield f"{indent}  direction TB"
        yield from _cluster(inner, level + 1)
        yield f"{indent}end"


def _shape(node: Node) -> str:
    text = _quoted(*node.lines)
    if node.round:
        return f"(({text}))"
    return f"([{text}])" if node.role == "input" else f"[{text}]"


def _quoted(*lines: str) -> str:
    """Return lines as a text of Mermaid, in which all signs are only signs."""
    return '"' + "<br>".join(_SPECIAL.sub(_entity, one_line(line)) for line in lines) + '"'


def _entity(match: re.Match[str]) -> str:
    return f"#{ord(match[0])};"
