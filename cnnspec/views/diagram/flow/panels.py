"""The panels of a flow graph: what is in each block that is a box, shown once for each form it has."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass

from cnnspec.language.blocks import Block
from cnnspec.plan import Step
from cnnspec.views.diagram.flow.graph import Panel, Row, form
from cnnspec.views.diagram.labels import arguments

MOST_FORMS = 6
"""Panels of one block at most."""


@dataclass(slots=True)
class _Form:
    """Uses of a block that are alike but for their numbers; `first` stands for them."""

    first: Step
    uses: int = 0


def panels(row: Row, inside: Callable[[Step], Row], blocks: Mapping[str, Block]) -> Iterator[Panel]:
    """Yield a panel for each form of each block that is a box in a row, and then in a panel."""
    for found in _forms(row, inside).values():
        shown = list(found.values())[:MOST_FORMS]
        for one in shown:
            left_out = len(found) - len(shown) if one is shown[-1] else 0
            detail = arguments((one.first,), blocks)
            yield Panel(one.first.type, detail, inside(one.first), one.first, one.uses - 1, left_out)


def _forms(row: Row, inside: Callable[[Step], Row]) -> dict[str, dict[Hashable, _Form]]:
    """Return the forms of each block, blocks and forms in the order in which a reader meets them."""
    found: dict[str, dict[Hashable, _Form]] = {}
    rows = deque([row])
    while rows:
        for cell in rows.popleft().cells():
            for step in cell.steps:
                if step.children:
                    within = inside(step)
                    forms = found.setdefault(step.type, {})
                    forms.setdefault(form(within), _Form(step)).uses += 1
                    rows.append(within)
    return found
