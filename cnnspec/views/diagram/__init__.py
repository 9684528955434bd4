"""Pictures of networks: as a flow graph, or as the volumes of their feature maps."""

from cnnspec.plan import Plan
from cnnspec.views.drawing.scene import Scene

STYLES = ("blocks", "volumes")
"""The styles of pictures, the usual one first."""


def draw(plan: Plan, style: str = "blocks", depth: int | None = None) -> Scene:
    """Return the picture of a network in one of the `STYLES`.

    Without a depth, what its own list says is shown; with one, so many levels are opened.
    """
    if style == "blocks":
        from cnnspec.views.diagram.flow.blocks import blocks

        return blocks(plan, depth)
    from cnnspec.views.diagram.volumes import volumes

    return volumes(plan, depth)
