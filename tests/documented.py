"""Pieces of the documentation, for the tests that run them."""

import re


def blocks(text: str, language: str) -> list[str]:
    """Return the code of a language in a Markdown text, piece by piece."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
