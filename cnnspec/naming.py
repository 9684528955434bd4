"""The names of modules: those given, and numbers for the others."""

from cnnspec.errors import Place
from cnnspec.language.items import Item


class Numbering:
    """The names in one list of items: those given, and the unnamed items numbered by kind.

    `first` has the place where each name stands first.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.numbers: dict[str, int] = {}
        self.first: dict[str, Place] = {}

    def of(self, item: Item) -> str:
        """Return the next name for an item."""
        if item.name:
            return self.prefix + item.name
        kind = item.word
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{self.prefix}{numbered(kind, self.numbers[kind])}"


def numbered(kind: str, number: int) -> str:
    """Return an unnamed item's name: ``conv1``; ``relu6_1``, as relu can have a 61st."""
    return f"{kind}_{number}" if kind[-1].isdigit() else f"{kind}{number}"
