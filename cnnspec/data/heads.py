"""How picture files begin: what a file is, told without decoding it."""

from cnnspec.errors import shown

HEAD = 18
"""Bytes of a file that tell what it is."""

ENDINGS = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
"""How the names of such files end."""

_BEGINNINGS = (
    b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
)  # fmt: skip
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def is_picture(head: bytes) -> bool:
    """Tell by a file's first 18 bytes whether it is a picture of a format that is read."""
    if head.startswith(b"BM"):
        return int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head.startswith(b"P"):
        return head[1:2] in b"123456" and head[2:3] in b" \t\n\r" and len(head) > 2
    return head.startswith(_BEGINNINGS)


def beginning(head: bytes) -> str:
    """Return a file's first bytes as a message shows them."""
    text = head[:8].decode("ascii", "replace")
    return shown(text) if text.isprintable() and text.isascii() else head[:8].hex(" ")
