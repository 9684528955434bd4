"""Damage to files: bytes flipped, lost, doubled or put in, lines exchanged, the end cut off."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
INSERTED = b"\x00\t\n\r -:#[]{},&*!|>'\"%@`~?=<()/\\.09aex_\x7f\x80\xc3\xef\xff"


def mutations(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield damaged files of the zoo, each with the name of the file, the same ones for a seed."""
    draw = random.Random(seed)  # noqa: S311  # damage need not be secret
    for number in range(count):
        file = SPECS[number % len(SPECS)]
        text = file.read_bytes()
        for _ in range(draw.choice((1, 1, 1, 2, 5))):
            text = draw.choice(KINDS)(text, draw) or b"-"
        yield file.stem, text


def flip(text: bytes, draw: random.Random) -> bytes:
    """Return the text with one bit of a byte changed."""
    at = draw.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << draw.randrange(8)]) + text[at + 1 :]


def delete(text: bytes, draw: random.Random) -> bytes:
    """Return the text without some bytes."""
    at = draw.randrange(len(text))
    return text[:at] + text[at + draw.randint(1, 12) :]


def insert(text: bytes, draw: random.Random) -> bytes:
    """Return the text with a few signs of YAML, or no text at all, put in."""
    at = draw.randrange(len(text))
    return text[:at] + bytes(draw.choices(INSERTED, k=draw.randint(1, 3))) + text[at:]


def double(text: bytes, draw: random.Random) -> bytes:
    """Return the text with a piece of it twice."""
    at, length = draw.randrange(len(text)), draw.randint(1, 80)
    return text[: at + length] + text[at:]


def digits(text: bytes, draw: random.Random) -> bytes:
    """Return the text with a number made large, negative, or a fraction."""
    places = [at for at, sign in enumerate(text) if sign in b"0123456789"] or [0]
    at = draw.choice(places)
    return text[:at] + draw.choice((b"9" * draw.randint(1, 30), b"-", b".", b"1e", b"0x")) + text[at:]


def truncate(text: bytes, draw: random.Random) -> bytes:
    """Return the beginning of the text."""
    return text[: draw.randrange(1, max(2, len(text)))]


def exchange(text: bytes, draw: random.Random) -> bytes:
    """Return the text with two lines exchanged."""
    lines = text.splitlines(keepends=True)
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def repeat_line(text: bytes, draw: random.Random) -> bytes:
    """Return the text with a line of it put in elsewhere, indented as it was."""
    lines = text.splitlines(keepends=True)
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return b"".join(lines)


KINDS: list[Callable[[bytes, random.Random], bytes]] = [
    flip,
    delete,
    insert,
    double,
    digits,
    truncate,
    exchange,
    repeat_line,
]
