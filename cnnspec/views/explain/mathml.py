"""Formulas as MathML Core (https://www.w3.org/TR/mathml-core/), with fractions as a textbook prints them."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

TIMES, APPLIED = "\N{INVISIBLE TIMES}", "\N{FUNCTION APPLICATION}"
"""Stand between factors that are written without a sign, and after the name of a function."""

FUNCTIONS = ("max",)

FENCES = {"(": ")", "⌊": "⌋", "⌈": "⌉"}

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d]+(?:'?[ '][^\W\d]+)*'?|\S")
"""A number, words in a row, or a sign."""


def mathml(formula: str) -> str:
    """Return a formula of `Formula.words` or `Formula.numbers` as a ``math`` element."""
    root = ET.Element("math", displaystyle="true")
    root.extend(_Reader(_TOKEN.findall(formula)).all())
    return ET.tostring(root, encoding="unicode")


class _Reader:
    """Goes through the signs of a formula."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]

    def all(self) -> list[ET.Element]:
        """Return the elements of the whole formula."""
        found = []
        while self.tokens:
            found += self.terms()
            if self.tokens:  # a fence that was never opened
                found.append(_element("mo", self.tokens.pop()))
        return found

    @property
    def next(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[-1] if self.tokens else ""

    def terms(self) -> list[ET.Element]:
        """Return terms with the signs between them, up to the end or a closing fence."""
        found = []
        while self.next and self.next not in FENCES.values():
            if _begins_factor(self.next):
                found += self.term()
            else:
                found.append(_element("mo", self.tokens.pop()))
        return found

    def term(self) -> list[ET.Element]:
        """Return factors with the signs between them; of what is divided, a fraction."""
        found = [self.fraction()]
        while self.next == "·" or _begins_factor(self.next):
            unwritten = APPLIED if found[-1].text in FUNCTIONS else TIMES
            found.append(_element("mo", self.tokens.pop() if self.next == "·" else unwritten))
            if _begins_factor(self.next):
                found.append(self.fraction())
        return found

    def fraction(self) -> ET.Element:
        """Return a factor, or a fraction of two."""
        factor = self.factor()
        while self.next == "/" and _begins_factor("".join(self.tokens[-2:-1])):
            self.tokens.pop()
            factor = _element("mfrac", "", (_bare(factor), _bare(self.factor())))
        return factor

    def factor(self) -> ET.Element:
        """Return a number, a name, or what stands within fences."""
        token = self.tokens.pop()
        if token in FENCES:
            inside = self.terms()
            closing = [_element("mo", self.tokens.pop())] if self.tokens else []
            return _element("mrow", "", (_element("mo", token), *inside, *closing))
        if token[0].isdigit():
            return _element("mn", token)
        return _element("mi" if len(token) == 1 else "mtext", token)


def _begins_factor(token: str) -> bool:
    return token[:1].isalnum() or token in FENCES


def _bare(factor: ET.Element) -> ET.Element:
    """Return what stands above or below a fraction's line, which needs no parentheses."""
    if factor.tag == "mrow" and (factor[0].text, factor[-1].text) == ("(", ")"):
        return _element("mrow", "", factor[1:-1])
    return factor


def _element(tag: str, text: str, children: Iterable[ET.Element] = ()) -> ET.Element:
    element = ET.Element(tag)
    element.text = text or None
    element.extend(children)
    return element
