"""The section `data` says where pictures come from: one place, found from the spec's file on."""

from pathlib import Path

import pytest
from telling import told

import cnnspec
from cnnspec.catalog import DATA_SETS
from cnnspec.language.data import Data, Shards


def net(data: str) -> str:
    return f"input: [1, 8, 8]\nlayers: [flatten, fc: 10]\ndata: {data}\n"


def test_mnist_if_nothing_is_given() -> None:
    """A spec without a source learns from MNIST, as does one that only says how."""
    for text in ("{}", "{augment: {shift: 1}}", "{test_share: 0.1}"):
        data = cnnspec.loads(net(text)).data
        assert (data.dataset, data.name, data.path) == ("mnist", "mnist", "")


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("{dataset: cifar10}", "cifar10", ""),
        ("{folder: some/pictures}", "pictures", "some/pictures"),
        ("{folder: pictures/}", "pictures", "pictures/"),
        ("{folder: .}", ".", "."),
        ("{arrays: ../a.npz}", "a.npz", "../a.npz"),
        ("{shards: 'x/train-{00..19}.tar'}", "train-{00..19}.tar", "x/train-{00..19}.tar"),
        ("{shards: {train: 'a-{0,1}.tar', test: b.tar}}", "a-{0,1}.tar", "a-{0,1}.tar"),
    ],
)
def test_names(text: str, name: str, path: str) -> None:
    """Messages call data by its name, or by that of the folder or file."""
    data = cnnspec.loads(net(text)).data
    assert (data.name, data.path) == (name, path)


WRONG = {
    "two": ("{folder: a, arrays: b}", "19: data has both 'folder' and 'arrays'; a network learns from one of them. Remove one."),
    "order": ("{shards: a, dataset: mnist}", "19: data has both 'shards' and 'dataset'; a network learns from one of them. Remove one."),
    "nothing": ("{folder: null}", "16: folder is nothing; it must be a path."),
    "number": ("{arrays: 3}", "16: arrays is 3; it must be a path."),
    "empty": ("{folder: ''}", "16: folder is ''; it must be a path."),
    "list": ("{shards: [a, b]}", "16: shards is ['a', 'b']; it must be a path."),
    "no train": ("{shards: {test: a}}", "8: shards needs 'train'; there is no default. Add `train:`."),
    "typo": ("{foldr: a}", "8: unknown field 'foldr' of data. Did you mean 'folder'?"),
    "torchvision's": ("{root: a}", "8: unknown field 'root' of data. Did you mean 'folder'?"),
    "share": ("{folder: a, test_share: 0}", "31: test_share is 0; it must be greater than 0."),
    "percent": ("{folder: a, test_share: 20}", "31: test_share is 20; it must be less than 1. Did you mean 0.2?"),
    "damaged": ("{folder: a, damaged: skipped}", "28: damaged is 'skipped'; it must be error or skip. Did you mean 'skip'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case: tuple[str, str]) -> None:
    """A mistake is told at its place, with what to write instead."""
    text, expected = case
    (problem,) = told(net(text))
    assert problem.startswith(f"3:{expected}")


def test_paths_begin_at_the_specs_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths count from the spec's own folder, from the working folder without a file; ~ is the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    cases = {
        ("a", "net.yaml"): tmp_path / "a",
        ("a", "x/net.yaml"): tmp_path / "x/a",
        ("../a", "x/net.yaml"): tmp_path / "a",
        ("a", "/x/net.yaml"): Path("/x/a"),
        ("a", "<stdin>"): tmp_path / "a",
        ("/y/a", "x/net.yaml"): Path("/y/a"),
        ("~/a", "x/net.yaml"): Path("/home/ada/a"),
    }
    for (folder, file), expected in cases.items():
        spec = cnnspec.loads(net(f"{{folder: {folder}}}"), file=file)
        assert spec.located().data.folder == str(expected)
        assert spec.resolved()["data"]["folder"] == str(expected)


def test_a_root_goes_before(tmp_path: Path) -> None:
    """What lies in another root by the same name is taken, and a root itself stands for a folder."""
    (tmp_path / "pictures").mkdir()
    root = str(tmp_path)
    assert Data(folder="/x/pictures").located("", root).folder == str(tmp_path / "pictures")
    assert Data(folder="/x/others").located("", root).folder == root
    assert Data(arrays="x/a.npz").located("", root).arrays == str(tmp_path / "a.npz")
    shards = Data(shards=Shards(train="x/a-{0..9}.tar", test="y/b.tar")).located("", root).shards
    assert shards == Shards(train=str(tmp_path / "a-{0..9}.tar"), test=str(tmp_path / "b.tar"))
    assert Data(dataset="mnist").located("", root) == Data(dataset="mnist")


def test_statistics() -> None:
    """They are those given, else the data set's own: for each channel, or of gray where the input is gray."""
    cifar = DATA_SETS["cifar10"]
    in_color, in_gray = (Data(dataset="cifar10").statistics(shape) for shape in ((3, 32, 32), (1, 32, 32)))
    assert in_color
    assert (in_color.mean, in_color.std) == (cifar.mean, cifar.std)
    assert in_gray
    assert in_gray.mean == pytest.approx(0.4809, abs=1e-3)
    assert in_gray.std == pytest.approx(0.2392, abs=0.01)
    assert Data(dataset="cifar10").statistics((32, 32)) == in_gray
    assert Data(folder="a").statistics((3, 8, 8)) is None
    given = cnnspec.loads(net("{folder: a, normalize: {mean: 0.5, std: 0.2}}")).data
    assert given.statistics((1, 8, 8)) == given.normalize


def test_resolved_says_what_matters() -> None:
    """With all defaults filled in, one's own data says how it is split, and a named set does not."""
    assert set(cnnspec.loads(net("{dataset: mnist}")).resolved()["data"]) == {"dataset", "normalize"}
    own = cnnspec.loads(net("{folder: /a}")).resolved()["data"]
    assert own == {"folder": "/a", "test_share": 0.2, "damaged": "error"}


def test_another_data_set_instead() -> None:
    """A data set asked for by name takes the place of any other source, and the rest stays."""
    spec = cnnspec.loads(net("{folder: a, augment: {shift: 1}}")).overridden(dataset="kmnist")
    assert (spec.data.dataset, spec.data.folder, spec.data.name) == ("kmnist", None, "kmnist")
    assert spec.data.augment
    assert spec.overridden(epochs=2).data == spec.data
