"""A run folder is read back with every check."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

import cnnspec
from cnnspec.data import Loaded
from cnnspec.errors import CheckpointError, CnnspecError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the sample of MNIST."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    lenet5 = cnnspec.load(Path(__file__).parents[2] / "specs" / "lenet5.yaml")
    cnnspec.train(lenet5, out=folder, epochs=2, dataset="mnist-sample", device="cpu")
    return folder


def test_predict(trained: Path, sample: Loaded, digits: Tensor, tmp_path: Path) -> None:
    """A picture of the test set, saved as PNG, is predicted just as the evaluation counts it."""
    run = cnnspec.load_run(trained)
    right = 0
    for index in range(0, 1000, 20):
        Image.fromarray(digits[index, 0].numpy()).save(tmp_path / "digit.png")
        prediction = run.predict(tmp_path / "digit.png")
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.probability == max(prediction.probabilities.values())
        assert prediction.as_json()["class"] == prediction.label
        right += prediction.label == str(int(sample.test.labels[index]))
    assert right / 50 == pytest.approx(run.evaluate().accuracy, abs=0.06)


def test_recognizes_the_drawn_digit(trained: Path) -> None:
    """The digit in examples/, drawn with dark ink on paper, is a five."""
    assert (
        cnnspec.load_run(trained).predict(Path(__file__).parents[2] / "examples" / "digit.png").label == "5"
    )


def test_confusion_matrix(trained: Path) -> None:
    """The confusion matrix counts each test picture once, the right ones on its diagonal."""
    result = cnnspec.load_run(trained).evaluate()
    assert result.confusion.sum(1).tolist() == [100] * 10
    assert int(result.confusion.trace()) == round(1000 * result.accuracy)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _replace(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (shutil.rmtree, "there is no such folder"),
    "empty": (_empty, "this is not a finished run"),
    "no checkpoint": (lambda f: (f / "best.safetensors").unlink(), "best.safetensors is missing"),
    "broken metrics": (_replace("metrics.jsonl", '{"epoch": 1'), "metrics.jsonl:1:1: this is not valid JSON"),
    "other metrics": (
        _replace("metrics.jsonl", '{"loss": 1}\n'),
        "metrics.jsonl:1:1: this is no line of metrics",
    ),
    "no metrics": (_replace("metrics.jsonl", ""), "metrics.jsonl: the file is empty"),
    "broken environment": (_replace("environment.json", "[]"), "environment.json: this is not a JSON object"),
    "broken spec": (_replace("spec.yaml", "layers: []"), "layers is empty"),
    "damaged weights": (
        _replace("best.safetensors", "hello"),
        "best.safetensors: the file cannot be read",
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_run_folder(bad: tuple[Callable[[Path], object], str], trained: Path, tmp_path: Path) -> None:
    """A folder that is no run, or a damaged one, is named with what is wrong."""
    change, message = bad
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    change(folder)
    with pytest.raises(CnnspecError, match=message):
        cnnspec.load_run(folder).evaluate()


def test_file_instead_of_a_folder(trained: Path) -> None:
    """A checkpoint's own path is no run folder, and the message says what is."""
    with pytest.raises(CheckpointError, match=r"this is a file\. Name a run folder"):
        cnnspec.load_run(trained / "best.safetensors")


def test_exchanged_spec(trained: Path, tmp_path: Path) -> None:
    """Weights of another network than spec.yaml describes are refused."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    text = (folder / "spec.yaml").read_text().replace("units: 84", "units: 85")
    (folder / "spec.yaml").write_text(text)
    with pytest.raises(CheckpointError, match="does not belong to this spec"):
        cnnspec.load_run(folder).evaluate()


def test_environment_names_the_data(trained: Path) -> None:
    """The run says which data set it has learned from."""
    data = json.loads((trained / "environment.json").read_text())["data"]
    assert (data["used"], data["train_size"], data["test_size"]) == ("mnist-sample", 4000, 1000)


def test_epochs_without_a_test(tiny_root: Path, tmp_path: Path) -> None:
    """A run that was not tested after each epoch can be used like any other."""
    text = "input: [1, 28, 28]\nlayers: [flatten, {fc: 10}]\ntrain: {epochs: 3, evaluate_every: 2}"
    cnnspec.train(cnnspec.loads(text), out=tmp_path / "run", device="cpu", threads=1)
    run = cnnspec.load_run(tmp_path / "run")
    assert ["test_accuracy" in row for row in run.history] == [False, True, True]
    assert run.evaluate().accuracy == run.history[run.best_epoch - 1]["test_accuracy"]
