"""The data sets in color: CIFAR-10 and CIFAR-100, SVHN and STL-10.

MD5s are those that torchvision lists. Means and standard deviations, of the training part's red,
green and blue, are the ones in general use with torchvision.
"""

from string import digits

from cnnspec.catalog.base import DataFile, DataSet, Download

_ROW = 3 * 32 * 32
"""Bytes of a CIFAR picture."""


def _alike(files: dict[str, DataFile]) -> tuple[Download, ...]:
    """Return downloads of files that are served as they lie on disk."""
    return tuple(Download(file.name, file.md5, (file.name,)) for file in files.values())


def _packed(name: str, md5: str, files: dict[str, DataFile]) -> tuple[Download, ...]:
    """Return the download of an archive that holds all files."""
    return (Download(name, md5, tuple(file.name for file in files.values())),)


_CIFAR10_FILES = {
    "train_1": DataFile("data_batch_1", (10_000, _ROW), md5="c99cafc152244af753f735de768cd75f"),
    "train_2": DataFile("data_batch_2", (10_000, _ROW), md5="d4bba439e000b95fd0a9bffe97cbabec"),
    "train_3": DataFile("data_batch_3", (10_000, _ROW), md5="54ebc095f3ab1f0389bbae665268c751"),
    "train_4": DataFile("data_batch_4", (10_000, _ROW), md5="634d18415352ddfa80567beed471001a"),
    "train_5": DataFile("data_batch_5", (10_000, _ROW), md5="482c414d41f54cd18b22e5b47cb7c3cb"),
    "test": DataFile("test_batch", (10_000, _ROW), md5="40351d587109b95175f43aff81a1287e"),
    "names": DataFile("batches.meta", md5="5ff9c542aee3614f3951f8cda6e48888"),
}

CIFAR10 = DataSet(
    name="cifar10",
    title="CIFAR-10: 50,000 + 10,000 small photos of animals and vehicles (Krizhevsky, 2009)",
    classes=(
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
    shape=(3, 32, 32),
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    format="cifar",
    counts=(50_000, 10_000),
    folder="cifar-10-batches-py",
    files=_CIFAR10_FILES,
    downloads=_packed("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", _CIFAR10_FILES),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
)  # fmt: skip

_CIFAR100_FILES = {
    "train": DataFile("train", (50_000, _ROW), md5="16019d7e3df5f24257cddd939b257f8d"),
    "test": DataFile("test", (10_000, _ROW), md5="f0ef6b0ae62326f3e7ffdfab6717acfc"),
    "names": DataFile("meta", md5="7973b15100ade9c7d40fb424638fde48"),
}

CIFAR100 = DataSet(
    name="cifar100",
    title="CIFAR-100: 50,000 + 10,000 small photos of a hundred kinds of things (Krizhevsky, 2009)",
    classes=(
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
        "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
        "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
        "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
        "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
        "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
        "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
        "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew",
        "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower",
        "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor", "train", "trout",
        "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
    ),
    shape=(3, 32, 32),
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    format="cifar",
    counts=(50_000, 10_000),
    folder="cifar-100-python",
    files=_CIFAR100_FILES,
    downloads=_packed("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", _CIFAR100_FILES),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
)  # fmt: skip

_SVHN_FILES = {
    "train": DataFile("train_32x32.mat", (73_257,), md5="e26dedcc434d2e4c54c9b2d4a06d8373"),
    "test": DataFile("test_32x32.mat", (26_032,), md5="eb5a983be6a315427106f1b164d9cef3"),
}

SVHN = DataSet(
    name="svhn",
    title="SVHN: 73,257 + 26,032 photos of house numbers' digits (Netzer et al., 2011)",
    classes=tuple(digits),
    shape=(3, 32, 32),
    mean=(0.4377, 0.4438, 0.4728),
    std=(0.1980, 0.2010, 0.1970),
    format="svhn",
    counts=(73_257, 26_032),
    files=_SVHN_FILES,
    downloads=_alike(_SVHN_FILES),
    mirrors=("http://ufldl.stanford.edu/housenumbers/",),
)

_STL10_FILES = {
    "train_images": DataFile(
        "train_X.bin", (5_000, 3, 96, 96), 138_240_000, md5="918c2871b30a85fa023e0c44e0bee87f"
    ),
    "train_labels": DataFile("train_y.bin", (5_000,), 5_000, md5="5a34089d4802c674881badbb80307741"),
    "test_images": DataFile(
        "test_X.bin", (8_000, 3, 96, 96), 221_184_000, md5="7f263ba9f9e0b06b93213547f721ac82"
    ),
    "test_labels": DataFile("test_y.bin", (8_000,), 8_000, md5="36f9794fa4beb8a2c72628de14fa638e"),
}

STL10 = DataSet(
    name="stl10",
    title="STL-10: 5,000 + 8,000 photos of animals and vehicles (Coates et al., 2011)",
    classes=("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
    shape=(3, 96, 96),
    mean=(0.4467, 0.4398, 0.4066),
    std=(0.2603, 0.2566, 0.2713),
    format="stl10",
    counts=(5_000, 8_000),
    folder="stl10_binary",
    files=_STL10_FILES,
    downloads=_packed("stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb", _STL10_FILES),
    mirrors=("http://ai.stanford.edu/~acoates/stl10/",),
    first_label=1,
    by_columns=True,
)

COLOR = (CIFAR10, CIFAR100, SVHN, STL10)
