"""matplotlib's SVG as a part of a page: no styles, which its policy forbids, and ids of its own."""

import hashlib
import re
from xml.etree import ElementTree as ET

from cnnspec.errors import one_line
from cnnspec.views.drawing.letters import FONTS

INK = "#000000"
"""The colour that becomes the one of the text around the picture."""

PRECISION = 2
"""Decimals that are kept: a hundredth of a pixel."""

NOT_TURNED = ("rotate(0 ", "rotate(-0 ")
"""How matplotlib says that a text is level."""

_NAMESPACE = re.compile(r"^\{(.*)\}")
_REFERENCE = re.compile(r"url\(#(.*)\)$|^#(.*)$")
_DECIMALS = re.compile(r"-?\d+\.\d+")
_SIZE = re.compile(r"([\d.]+)px")


def inline(svg: str, label: str) -> str:
    """Return an SVG file of matplotlib's as an element of a page; `label` says what it shows."""
    root = ET.fromstring(svg)  # noqa: S314  # matplotlib's own
    prefix = f"plot-{hashlib.sha256(svg.encode()).hexdigest()[:10]}-"
    for parent in root.iter():
        for child in list(parent):
            if _name(child.tag) in ("metadata", "style") or _is_empty(child):
                parent.remove(child)
    used = {
        target for element in root.iter() for value in element.attrib.values() if (target := _target(value))
    }
    for element in root.iter():
        element.attrib = _attributes(element, prefix, used)
        element.tag = _name(element.tag)
        element.tail = None
        if not (element.text or "").strip():
            element.text = None
    root.attrib |= {
        "role": "img",
        "aria-label": one_line(label),
        "class": "plot",
        "font-family": FONTS,
        "stroke-linejoin": "round",
        "fill": "currentColor",
    }
    return ET.tostring(root, encoding="unicode")


def _is_empty(element: ET.Element) -> bool:
    return _name(element.tag) == "defs" and all(_name(child.tag) == "style" for child in element)


def _attributes(element: ET.Element, prefix: str, used: set[str]) -> dict[str, str]:
    """Return an element's attributes, its style among them, with ids that no other picture has."""
    found = {_name(name): value for name, value in element.attrib.items()}
    for declaration in filter(None, map(str.strip, found.pop("style", "").split(";"))):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.strip()
    size = _SIZE.search(found.pop("font", ""))  # of all that it says, the page has its own fonts
    if size:
        found["font-size"] = size[1]
    if found.get("id") not in used:
        found.pop("id", None)
    if found.get("transform", "").startswith(NOT_TURNED):
        del found["transform"]
    for unwanted in ("font-family", "version"):
        found.pop(unwanted, None)
    return {name: _value(name, value, prefix) for name, value in found.items()}


def _value(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    target = _target(value)
    if target and name in ("href", "clip-path"):
        return value.replace(target, prefix + target)
    if name in ("fill", "stroke") and value == INK:
        return "currentColor"
    value = value.removesuffix("pt") if name in ("width", "height") else value.removesuffix("px")
    return " ".join(_DECIMALS.sub(_rounded, value).split())


def _rounded(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.{PRECISION}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _target(value: str) -> str:
    """Return the id that a value refers to, if any."""
    found = _REFERENCE.search(value)
    return (found[1] or found[2]) if found else ""


def _name(name: str) -> str:
    return _NAMESPACE.sub("", name)
