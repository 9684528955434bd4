"""Branches beside each other: where a fork's branches part, stand and meet."""

from dataclasses import dataclass, replace
from functools import cached_property

from cnnspec.views.diagram.flow.layout import LABEL, RowBox, edge, label, label_width, sign
from cnnspec.views.drawing.letters import text_width
from cnnspec.views.drawing.scene import Group, Rect, Shape

LEAD, ENTRY, EXIT = 12, 26, 34
"""Of a fork: down to where it parts, then to its branches, and from these to where they meet."""
APART = 26
"""Between branches."""
SIGN, BAR = 10, 20
"""Radius of the sign where branches meet, and the height of the bar that concatenates them."""


@dataclass(frozen=True)
class Arm:
    """A branch: `x` is its spine's distance from the fork's, `row` None for the input itself."""

    x: float
    row: RowBox | None
    name: str
    output: str

    @cached_property
    def left(self) -> float:
        """How far it reaches to the left of the fork's spine, negative where it is right of it."""
        return (self.row.left if self.row else 0) - self.x

    @cached_property
    def right(self) -> float:
        """How far it reaches to the right of the fork's spine."""
        labels = max(label_width(self.name), label_width(self.output) if self.row else 0)
        return self.x + max(self.row.right if self.row else 0, labels)


@dataclass(frozen=True)
class ForkBox:
    """Branches beside each other that meet below: in a sign at its side, or in a bar across them all."""

    arms: tuple[Arm, ...]
    sign: str
    hover: str
    arrow: bool = False

    @cached_property
    def bar(self) -> tuple[float, float]:
        """Where the bar begins and ends, from the spine."""
        half = text_width(self.sign, LABEL) / 2 + 10
        xs = [arm.x for arm in self.arms]
        return min(min(xs) - half / 2, -half), max(max(xs) + half / 2, half)

    @cached_property
    def is_sign(self) -> bool:
        """Whether branches meet in a sign."""
        return len(self.sign) == 1

    @cached_property
    def left(self) -> float:
        """What the branches and the bar need."""
        return max(SIGN if self.is_sign else -self.bar[0], *(arm.left for arm in self.arms))

    @cached_property
    def right(self) -> float:
        """What the branches and the bar need."""
        return max(SIGN if self.is_sign else self.bar[1], *(arm.right for arm in self.arms))

    @cached_property
    def inner(self) -> float:
        """The height of the tallest branch."""
        return max(arm.row.height if arm.row else 0 for arm in self.arms)

    @cached_property
    def height(self) -> float:
        """From where it parts to where its branches have met."""
        return LEAD + ENTRY + self.inner + EXIT + (2 * SIGN if self.is_sign else BAR)

    def place(self, x: float, y: float, out: list[Shape]) -> None:
        """Add the branches, and where they meet."""
        bottom = y + self.height
        meet = bottom - SIGN if self.is_sign else bottom - BAR
        for arm in self.arms:
            self.place_arm(arm, x, y, meet, out)
        if self.is_sign:
            circle = Rect(x - SIGN, meet - SIGN, 2 * SIGN, 2 * SIGN, "composition", SIGN)
            text = sign(self.sign, x, meet)
        else:
            start, end = self.bar
            circle = Rect(x + start, meet, end - start, BAR, "composition", 4)
            text = sign(self.sign, x + (start + end) / 2, meet + BAR / 2)
        out.append(Group((circle, text), "node", self.hover))

    def place_arm(self, arm: Arm, x: float, y: float, meet: float, out: list[Shape]) -> None:
        """Add a branch with the edges to and from it."""
        there, top = x + arm.x, y + LEAD + ENTRY
        start = ((x, y), (x, y + LEAD), (there, y + LEAD)) if arm.x else ((x, y),)
        end: tuple[tuple[float, float], ...] = ((there, meet),)
        if self.is_sign:
            side = SIGN if arm.x > 0 else -SIGN
            if abs(arm.x) > 2 * SIGN:
                end = ((there, meet), (x + side, meet))
            else:
                above = meet - SIGN - LEAD
                end = ((there, above), (x, above), (x, meet - SIGN)) if arm.x else ((x, meet - SIGN),)
        label(there, top - ENTRY, arm.name, out)
        if arm.row is None:
            edge((*start, *end), out, arrow=True)
            return
        edge((*start, (there, top)), out, arrow=arm.row.arrow)
        arm.row.place(there, top, out)
        bottom = top + arm.row.height
        edge(((there, bottom), *end), out, arrow=True)
        label(there, top + self.inner, arm.output, out)


def side_by_side(arms: list[Arm], *, about_first: bool) -> tuple[Arm, ...]:
    """Return branches with their places: right of the first, which stays on the spine, or about the spine."""
    placed = arms[:1]
    for arm in arms[1:]:
        placed.append(replace(arm, x=placed[-1].right + APART + arm.left))
    outer = (placed[0].x + placed[-1].x) / 2
    middle = placed[len(placed) // 2].x if len(placed) % 2 else outer  # without a bend
    return tuple(replace(arm, x=arm.x - (0 if about_first else middle)) for arm in placed)
