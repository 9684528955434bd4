"""Explanations as Markdown, as a parser of it understands them."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hostile_texts import HOSTILE
from markdown_it import MarkdownIt
from markdown_it.token import Token

import cnnspec
from cnnspec.views.explain import explain
from cnnspec.views.explain.markdown import as_markdown
from cnnspec.views.window.art import ASCII

MARKS = [
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "2) item",
    "    code",
    "```\ncode\n```",
    "> quote",
    "---",
    "===",
    "***",
    "a\n\nb",
    "a\n===",
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "*emphasis* __strong__ ~~gone~~ `code`",
    "[link](http://example.org) ![picture](x.png) <http://example.org>",
    "[reference]: http://example.org",
    "| a | b |\n| --- | --- |",
    "&lt;entity&gt; &#35; &copy;",
    "back\\slash \\* \\",
    "a  \nb",
    "$x$ $$y$$",
    "\x1b[31mred\u202e",
]

SPEC = "input: [1, 8, 8]\nlayers: [conv: {filters: 2, kernel: 3}, maxpool: 2, flatten, fc: 3]\n"


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def explained(description: str = "plain", *, pictures: bool = True) -> str:
    plan = replace(cnnspec.loads(SPEC, file="net.yaml"), description=description).plan()
    return as_markdown(plan, explain(plan), pictures=pictures)


def kinds(text: str) -> list[str]:
    """Return the kinds of all tokens, of those in a line as well."""
    return [one.type for token in tokens(text) for one in (token, *(token.children or ()))]


@pytest.mark.parametrize("description", [*MARKS, *HOSTILE])
def test_hostile_description_is_one_paragraph(description: str) -> None:
    """Whatever the description is, it is text: the document has the same tokens as with a plain one."""
    text = explained(description)
    assert kinds(text) == kinds(explained())
    paragraph = tokens(text)[4].content.replace("\\", "")
    assert [c for c in paragraph if c.isalnum()] == [c for c in description if c.isalnum()]
    assert "\x1b" not in text


def test_tables() -> None:
    """Each formula is a row of four cells, with letters and numbers as code."""
    found = tokens(explained())
    rows: list[list[str]] = []
    for token in found:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level >= 4:
            rows[-1].append(token.content)
    assert ["height, width", "`(n + 2p − f)/s + 1`", "`(8 + 2·0 − 3)/1 + 1`", "6"] in rows
    assert ["receptive field", "the whole input, from here on", "", ""] in rows
    assert {len(row) for row in rows} == {4}


def test_pictures_are_code() -> None:
    """Pictures stand in fences, a picture for each window that differs."""
    fences = [token.content for token in tokens(explained()) if token.type == "fence"]
    assert [fence.splitlines()[0].split("  ")[0] for fence in fences] == ["input 8×8", "input 6×6"]
    assert all("╔" in fence for fence in fences)
    assert "fence" not in kinds(explained(pictures=False))


def test_headings() -> None:
    """Every layer has a heading, below that of the network."""
    found = tokens(explained())
    headings = [after.content for token, after in pairwise(found) if token.type == "heading_open"]
    assert headings[:2] == ["net", "`conv1`: 1×8×8 → 2×6×6"]
    assert len(headings) == 5


def test_ascii() -> None:
    """Pictures are in ASCII where the output is, and every sign is explained."""
    plan = cnnspec.loads(SPEC).plan()
    text = as_markdown(plan, explain(plan), charset=ASCII)
    fences = [token.content for token in tokens(text) if token.type == "fence"]
    assert all(fence.isascii() for fence in fences)
    assert "Pictures: `#` in the window, `.` another value." in text
