"""STL-10's files: the bytes of pictures, or of labels from 1 on, one after the other, without a header."""

from cnnspec.data.formats.content import Contents, as_bytes
from cnnspec.data.source import Pictures


def read(contents: Contents, part: str) -> Pictures:
    """Return a part of the data set. Raises DataError."""
    images, labels = (contents.read(f"{part}_{what}") for what in ("images", "labels"))
    images.check_hash()
    labels.check_hash()
    pictures = contents.upright(as_bytes(images.data).view(images.file.shape))
    return Pictures(pictures, contents.labels(labels, as_bytes(labels.data)))
