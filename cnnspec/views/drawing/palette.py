"""The colours of each role, in a light and a dark theme.

The fills of the kinds of layers are Paul Tol's scheme "light" (https://sronpersonalpages.nl/~pault/,
"Colour schemes", 2021), made to stay apart for colour-blind readers below black text; in the dark
theme they are the same hues, darkened below white text. The lightness of neighbours differs, so that
they stay apart in gray print, too.
"""

from typing import NamedTuple


class Paint(NamedTuple):
    """A role's fill and stroke in one theme, empty for none, the stroke's width, and the fill's opacity."""

    fill: str = ""
    stroke: str = ""
    width: float = 1
    opacity: float = 1


LIGHT_INK, DARK_INK = "#1d1d1b", "#e9e9e6"
LIGHT_PAPER, DARK_PAPER = "#ffffff", "#17191d"

KINDS = {
    "convolution": ("#77aadd", "#2b5d8f"),
    "pooling": ("#ee8866", "#8a4126"),
    "dense": ("#bbcc33", "#565f17"),
    "normalization": ("#eedd88", "#6b5d1d"),
    "activation": ("#ffaabb", "#8a4456"),
    "regularization": ("#dddddd", "#55595f"),
    "channels and space": ("#99ddff", "#27667f"),
    "composition": ("#44bb99", "#1a6b55"),
}
"""The fill of each family of layers, light and dark."""

_LINE = ("#5a5a57", "#9a9a96")


def role_of(family: str) -> str:
    """Return the role of a family of layers; those of other people's layers look like regularization's."""
    return family.replace(" ", "-") if family in KINDS else "regularization"


ROLES: dict[str, tuple[Paint, Paint]] = {
    **{
        role_of(family): (Paint(light, "#3d3d3b"), Paint(dark, "#b9b9b5"))
        for family, (light, dark) in KINDS.items()
    },
    "paper": (Paint(LIGHT_PAPER), Paint(DARK_PAPER)),
    "input": (Paint("#f1f1ee", "#3d3d3b"), Paint("#2b2e34", "#b9b9b5")),
    "block": (Paint("#ffffff", "#3d3d3b"), Paint("#22252a", "#b9b9b5")),
    "frame": (Paint("#f7f7f4", "#b4b4af"), Paint("#1d2025", "#5d6067")),
    "edge": (Paint("", _LINE[0], 1.4), Paint("", _LINE[1], 1.4)),
    "arrow": (Paint(_LINE[0]), Paint(_LINE[1])),
    "hairline": (Paint("", "#b4b4af"), Paint("", "#5d6067")),
    "shade": (Paint("#000000", opacity=0.16), Paint("#000000", opacity=0.36)),
    "window": (Paint("#ee8866", "#b0401b", 2, 0.5), Paint("#ee8866", "#ffb199", 2, 0.5)),
    "ray": (Paint("", "#b0401b"), Paint("", "#ffb199")),
    "touched": (Paint("#ee8866", opacity=0.75), Paint("#ee8866", opacity=0.6)),
    "next": (Paint("#ee8866", opacity=0.25), Paint("#ee8866", opacity=0.25)),
    "outline": (Paint("", "#b0401b", 2), Paint("", "#ffb199", 2)),
    "padding": (Paint("#f1f1ee", "#b4b4af"), Paint("#22252a", "#5d6067")),
    "cell": (Paint("#ffffff", "#8f8f8a"), Paint("#33373e", "#8b8f96")),
    "unreached": (Paint("#cfcfca"), Paint("#4a4d54")),
    "text": (Paint(LIGHT_INK), Paint(DARK_INK)),
    "faint": (Paint("#63635f"), Paint("#a3a39e")),
}
"""Every role with its paint in the light and in the dark theme."""
