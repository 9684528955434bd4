"""Pictures of networks, in several styles."""

from collections.abc import Callable

from cnnspec.plan import Plan
from cnnspec.views.diagram.blocks import draw_blocks
from cnnspec.views.drawing.scene import Scene

STYLES: dict[str, Callable[[Plan, int | None], Scene]] = {"blocks": draw_blocks}
"""Each style by its name, the usual one first."""


def draw(plan: Plan, style: str = "blocks", depth: int | None = None) -> Scene:
    """Return the picture of a network in a style, opened `depth` levels where that makes sense."""
    return STYLES[style](plan, depth)
