"""`cnnspec evaluate` and `cnnspec predict` as their users meet them."""

import json
from pathlib import Path

import pytest
import torch

import cnnspec
from cnnspec.cli import run

ROOT = Path(__file__).parents[2]
DIGIT = str(ROOT / "examples" / "digit.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run on the sample of MNIST."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    lenet5 = cnnspec.load(ROOT / "specs" / "lenet5.yaml")
    cnnspec.train(lenet5, out=folder, epochs=2, dataset="mnist-sample", device="cpu")
    return str(folder)


def test_evaluate(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Accuracy, loss, each class's scores and the confusion matrix are printed, under the data's name."""
    assert run(["evaluate", trained]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("lenet5, epoch ")
    assert "on a sample of MNIST" in lines[0]
    assert lines[1].startswith("accuracy 9")
    assert lines[4].split() == ["precision", "recall", "F1", "pictures"]
    assert sum(int(line.split()[-1]) for line in lines[6:16]) == 1000
    assert len(lines) == 30
    assert err == ""


def test_evaluate_json(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON: the matrix has rows of true classes, and the scores are those that follow from it."""
    assert run(["evaluate", trained, "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["dataset"] == "mnist-sample"
    assert sum(map(sum, result["confusion"])) == 1000
    assert sum(result["confusion"][i][i] for i in range(10)) / 1000 == result["accuracy"]
    scores = result["per_class"]
    assert [score["class"] for score in scores] == result["classes"]
    confusion = torch.tensor(result["confusion"]).double()
    for name, total in (("precision", confusion.sum(0)), ("recall", confusion.sum(1))):
        assert [score[name] for score in scores] == pytest.approx((confusion.diag() / total).tolist())
    assert [score["support"] for score in scores] == confusion.sum(1).tolist()
    assert result["macro_f1"] == pytest.approx(sum(score["f1"] for score in scores) / 10)


def test_predict(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each picture gets a line with its class and probability."""
    assert run(["predict", trained, DIGIT, DIGIT]) == 0
    out, _err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert out.startswith(f"{DIGIT}: 5  ")


def test_predict_json(trained: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is a list with image, class, probability and all probabilities."""
    assert run(["predict", trained, DIGIT, "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.keys() == {"image", "class", "probability", "probabilities"}
    assert (row["image"], row["class"]) == (DIGIT, "5")
    assert row["probabilities"]["5"] == row["probability"]
    assert sum(row["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize("form", ["text", "json"])
def test_one_bad_picture(form: str, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture that cannot be read is named, the others are predicted, and the exit code is 1."""
    (tmp_path / "bad.png").write_text("no picture")
    assert run(["predict", trained, str(tmp_path / "bad.png"), DIGIT, "--format", form]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(
        f"{tmp_path / 'bad.png'}: the file is not a picture in PNG, JPEG, GIF, BMP, WebP, PPM or TIFF."
    )
    assert DIGIT in out


@pytest.mark.parametrize("command", [["evaluate"], ["predict", DIGIT]], ids=["evaluate", "predict"])
def test_not_a_run(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no run is an error in the one form, with what to do."""
    assert run([command[0], str(tmp_path), *command[1:]]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{tmp_path}: this is not a finished run; ")
