"""The elements of a page, without its texts: what no text may change."""

from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}

Element = tuple[int, str, tuple[str, ...]]
"""Depth, tag, and names of the attributes."""


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((len(self.open), tag, tuple(sorted(name for name, _ in attrs))))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tree(page: str) -> list[Element]:
    """Return the elements of a page in their order; raises AssertionError where they are not well nested.

    The same elements in a row, such as the lines of a long text in a picture, count as one.
    """
    parser = _Tree()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    found = parser.found
    return [one for one, before in zip(found, [None, *found], strict=False) if one != before]
