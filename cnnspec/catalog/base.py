"""What is known of a data set: its classes, the shape of a picture, its files and where they come from."""

from dataclasses import dataclass, field

from cnnspec.shape import Shape

Statistic = float | tuple[float, ...]
"""One number, or one for each channel."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a data set, as it lies on disk.

    `shape` is that of its values, the count first, where the format has a header or a fixed
    size. `size` is 0, and a hash is empty, where it is not known.
    """

    name: str
    shape: tuple[int, ...] = ()
    size: int = 0
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that mirrors serve, with its MD5 as torchvision lists it, and the data set's files in it."""

    name: str
    md5: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its classes, the shape of a picture, and the statistics of its training pixels.

    `mean` and `std` are of values from 0 to 1, `counts` are the pictures to learn from and to
    test. `folder` is torchvision's name for its folder, `system` lists where packages of the
    operating system put it, and `mirrors` are URLs that a download's name is appended to.
    `sample_of` names the data set that this one is only a part of. `digits` says that its pictures
    are as MNIST's: light ink on dark, in the middle.

    In the files, the first class has the label `first_label`, and pictures that are stored
    `by_columns` have their columns where others have their rows.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: Shape
    mean: Statistic
    std: Statistic
    format: str
    counts: tuple[int, int] = (0, 0)
    folder: str = ""
    files: dict[str, DataFile] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    mirrors: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    first_label: int = 0
    by_columns: bool = False
    digits: bool = False
    sample_of: str = ""
