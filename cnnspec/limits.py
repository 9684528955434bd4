"""How much a spec may grow to: small texts must not make work or memory without end."""

from dataclasses import dataclass

from cnnspec.errors import RuleError
from cnnspec.shape import Shape, times, volume

MAX_LAYERS = 10_000
MAX_ITEMS = 50_000
MAX_DEPTH = 64
MAX_PARAMS = 10**12
MAX_VALUES = 10**12
MAX_WORK = 5_000_000
"""Characters of expressions to evaluate, as `Expression.cost` counts them."""


@dataclass(slots=True)
class Budget:
    """What an expansion has used up; each method counts something, and raises RuleError past its limit."""

    layers: int = 0
    items: int = 0
    depth: int = 0
    work: int = 0

    def item(self) -> None:
        """Count an item that is looked at, whether it is there or not."""
        self.items += 1
        if self.depth > MAX_DEPTH:
            raise RuleError(
                f"this is nested deeper than {MAX_DEPTH} levels", "that is the limit", "Nest less"
            )
        if self.items > MAX_ITEMS:
            why = f"that is the limit of {MAX_ITEMS:,}"
            raise RuleError("the network has too many parts", why, "Repeat less")

    def layer(self) -> None:
        """Count a layer."""
        self.layers += 1
        if self.layers > MAX_LAYERS:
            why = f"that is the limit of {MAX_LAYERS:,}"
            raise RuleError("the network has too many layers", why, "Repeat less")

    def evaluation(self, cost: int) -> None:
        """Count the cost of expressions to evaluate."""
        self.work += cost
        if self.work > MAX_WORK:
            fix = "Write shorter ones, or repeat less"
            raise RuleError("the network has too many expressions to evaluate", "", fix)


def check_size(output: Shape, params: int = 0) -> None:
    """Raise RuleError for a layer of a size that no memory holds."""
    if volume(output) > MAX_VALUES:
        what = f"the output of {{layer}} would be {times(output)}"
        raise RuleError(what, "no memory holds it", "Make it smaller")
    if params > MAX_PARAMS:
        what = f"{{layer}} would have {params:,} parameters"
        raise RuleError(what, "no memory holds them", "Make it smaller")
