"""An ONNX file that was exported from a run predicts and evaluates as the run; other files are refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hostile_texts import HOSTILE
from onnx import ModelProto, TensorProto, helper
from own_data import picture
from tiny_run import SIDE, train_tiny

import cnnspec
from cnnspec.cli import run as cli
from cnnspec.data import to_input
from cnnspec.errors import is_visible
from cnnspec.exporting import export_onnx, load_onnx
from cnnspec.exporting.onnx_file import OnnxFile
from cnnspec.training import Run, load_run

SIZES = {"own.png": (SIDE, SIDE), "wide.png": (9, 31), "tall.png": (40, 13), "large.png": (90, 120)}
NEAR = 1e-5


class Made(NamedTuple):
    """A run, a file of what its network sees, one of pictures as they are, and a folder with pictures."""

    run: Run
    plain: Path
    prepared: Path
    pictures: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    run = load_run(train_tiny(folder / "run"))
    plain, prepared = folder / "plain.onnx", folder / "prepared.onnx"
    export_onnx(run, plain)
    export_onnx(run, prepared, preprocess=True)
    for seed, (name, size) in enumerate(SIZES.items()):
        (folder / name).write_bytes(picture(seed, size, mode="L"))
    return Made(run, plain, prepared, folder)


@pytest.fixture(params=["plain", "prepared"])
def file(request: pytest.FixtureRequest, made: Made) -> OnnxFile:
    path: Path = getattr(made, request.param)
    return load_onnx(path)


@pytest.mark.parametrize("name", SIZES)
def test_predicts_as_the_run(name: str, file: OnnxFile, made: Made) -> None:
    """Probabilities are the run's."""
    ours, theirs = (one.predict(made.pictures / name) for one in (made.run, file))
    assert ours.label == theirs.label
    assert theirs.probabilities == pytest.approx(ours.probabilities, abs=NEAR)


def test_evaluates_as_the_run(file: OnnxFile, made: Made) -> None:
    """Accuracy, loss and confusion matrix are the run's, and so is the epoch."""
    ours, theirs = made.run.evaluate(), file.evaluate()
    assert (ours.accuracy, ours.confusion.tolist()) == (theirs.accuracy, theirs.confusion.tolist())
    assert theirs.loss == pytest.approx(ours.loss, abs=NEAR)
    assert file.best_epoch == made.run.best_epoch


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_command_line(command: str, form: str, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed of a file is what is printed of the run, but for its name and the last digits."""
    images = [str(made.pictures / name) for name in SIZES] if command == "predict" else []
    ours, theirs = (
        printed([command, str(one), *images, "--format", form], capsys)
        for one in (made.run.folder, made.plain)
    )
    if form == "text":
        assert ours == theirs
        return
    expected, found = json.loads(ours), json.loads(theirs)
    if command == "evaluate":
        assert (expected.pop("run"), found.pop("run")) == (str(made.run.folder), str(made.plain))
        assert found.pop("loss") == pytest.approx(expected.pop("loss"), abs=NEAR)
        assert expected == found
        return
    for one, other in zip(expected, found, strict=True):
        assert one["image"] == other["image"]
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=NEAR)


def test_pictures_of_any_size(made: Made) -> None:
    """A file that prepares pictures takes a batch of any size, in uint8, from whoever has ONNX Runtime."""
    session = onnxruntime.InferenceSession(made.prepared)
    draw = torch.Generator().manual_seed(0)
    for count, (height, width) in enumerate(((8, 8), (1, 1), (3, 50), (64, 48)), start=1):
        images = torch.randint(256, (count, 1, height, width), generator=draw, dtype=torch.uint8)
        (found,) = session.run(None, {"pictures": images.numpy()})
        normalize = made.run.normalizer(torch.device("cpu"))
        with torch.no_grad():
            expected = made.run.model(normalize(to_input(images, (1, SIDE, SIDE))))
        np.testing.assert_allclose(found, expected, atol=2e-3)  # one pixel, or two, of another level


def test_metadata(made: Made) -> None:
    """Spec, classes and normalization stand in the metadata, where any program that reads ONNX finds them."""
    model = onnx.load(made.plain)
    told = {one.key: one.value for one in model.metadata_props}
    assert told["cnnspec"] == cnnspec.__version__
    assert cnnspec.loads(told["spec"]).plan().params == made.run.plan.params
    assert json.loads(told["classes"]) == list(made.run.classes)
    statistics = made.run.plan.spec.data.normalize
    assert statistics
    assert [json.loads(told[name]) for name in ("mean", "std")] == [statistics.mean, statistics.std]
    assert json.loads(told["epoch"]) == made.run.best_epoch
    assert json.loads(told["test_accuracy"]) == made.run.record.accuracy
    assert (model.graph.name, model.doc_string) == ("tiny", "A network for tests.")
    onnx.checker.check_model(model, full_check=True)


def test_axes_have_names(made: Made) -> None:
    """Axes of any size are called what they are."""
    for path, expected in (
        (made.plain, ["batch", 1, 8, 8]),
        (made.prepared, ["batch", 1, "height", "width"]),
    ):
        assert onnxruntime.InferenceSession(path).get_inputs()[0].shape == expected


def test_tells_nothing_of_this_machine(made: Made) -> None:
    """No path of torch or of cnnspec stands in a file."""
    for path in (made.plain, made.prepared):
        data = path.read_bytes()
        for module in (torch, cnnspec):
            assert str(Path(module.__file__ or "").parent).encode() not in data


def changed(model: ModelProto, **texts: str | None) -> None:
    """Change the model's metadata; None removes one."""
    for one in [*model.metadata_props]:
        if one.key in texts:
            model.metadata_props.remove(one)
    for key, value in texts.items():
        if value is not None:
            model.metadata_props.add(key=key, value=value)


def external(model: ModelProto, location: str) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


def external_in_a_node(model: ModelProto) -> None:
    tensor = TensorProto(name="x", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


def second_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def unknown_operator(model: ModelProto) -> None:
    model.graph.node[0].op_type = "NoSuchOperator"


def other_output(model: ModelProto) -> None:
    """Give (2, 3) values for one sample, which ONNX Runtime cannot know before."""
    name = model.graph.output[0].name
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("NonZero", ["before"], ["places"]))
    model.graph.node.append(helper.make_node("Cast", ["places"], [name], to=TensorProto.FLOAT))


SPEC_OF_16 = "{input: [1, 16, 16], layers: [flatten, fc: 3], data: {arrays: x, normalize: {mean: 0, std: 1}}}"

REFUSED: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "no metadata": (
        lambda m: m.ClearField("metadata_props"),
        "the file does not tell its spec; so it is not known what it takes.",
    ),
    "no classes": (
        lambda m: changed(m, classes=None),
        "the file does not tell what its classes are called; ",
    ),
    "classes that are none": (lambda m: changed(m, classes="7"), "the file's metadata make no sense; "),
    "classes of one name": (
        lambda m: changed(m, classes='["a", "b", "a"]'),
        "the file's metadata make no sense; ",
    ),
    "classes without JSON": (
        lambda m: changed(m, classes="[" * 100_000),
        "the file's metadata make no sense; ",
    ),
    "an epoch that is none": (lambda m: changed(m, epoch='"x"'), "the file's metadata make no sense; "),
    "two classes": (
        lambda m: changed(m, classes='["a", "b"]'),
        "the model gives float 3; by its spec it gives float 2.",
    ),
    "another input": (
        lambda m: changed(m, spec=SPEC_OF_16),
        "the model takes float 1×8×8; by its spec it takes float 1×16×16.",
    ),
    "no spec": (lambda m: changed(m, spec="layers: 7"), ""),
    "a spec that is a bomb": (lambda m: changed(m, spec="{" * 100_000), ""),
    "statistics of two": (lambda m: changed(m, spec=SPEC_OF_16.replace("mean: 0", "mean: [0, 1]")), ""),
    "values elsewhere": (lambda m: external(m, "weights.bin"), "the file has values in other files; "),
    "values above": (lambda m: external(m, "../../etc/passwd"), "the file has values in other files; "),
    "values in memory": (lambda m: external(m, "*/_ORT_MEM_ADDR_/*"), "the file has values in other files; "),
    "values of a node elsewhere": (external_in_a_node, "the file has values in other files; "),
    "two inputs": (
        second_input,
        "ONNX Runtime cannot use the file; it has 2 inputs and 1 outputs, not one of each.",
    ),
    "an unknown operator": (unknown_operator, "ONNX Runtime cannot load the file; "),
    "no graph": (lambda m: m.ClearField("graph"), "ONNX Runtime cannot load the file; "),
    "another output": (
        other_output,
        "ONNX Runtime cannot use the file; it gives another shape than it says.",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(
    change: Callable[[ModelProto], object],
    message: str,
    made: Made,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What the model or its metadata must not be is an error in the one form, and nothing else is printed."""
    model = onnx.load(made.plain)
    change(model)
    path = tmp_path / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    assert cli(["predict", str(path), str(made.pictures / "own.png")]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"{path}:")
    assert err.startswith(f"{path}: {message}") or not message
    assert "went wrong" not in err


def test_own_pictures(made: Made, tmp_path: Path) -> None:
    """The path to the user's own pictures counts from the file, wherever that is."""
    model = onnx.load(made.plain)
    text = f"{{input: [1, {SIDE}, {SIDE}], layers: [flatten, fc: 3], data: {{folder: ../pets, normalize: {{mean: 0, std: 1}}}}}}"
    changed(model, spec=text)
    (tmp_path / "own.onnx").write_bytes(model.SerializeToString())
    assert load_onnx(tmp_path / "own.onnx").plan.spec.data.folder == str(tmp_path.parent / "pets")


def fifo(path: Path) -> None:
    os.mkfifo(path)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _path: None, "the file cannot be read; No such file or directory."),
    "empty": (lambda path: path.write_bytes(b""), "the file does not tell its spec; "),
    "text": (lambda path: path.write_text("no model"), "this is not an ONNX file; or it is damaged."),
    "a pipe": (fifo, "this is no file."),
    "a folder": (lambda path: path.mkdir(), "this is not a finished run; "),
    "of more than 2 GiB": (
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 31),
        "the file is larger than 2 GiB; ",
    ),
}


@pytest.mark.parametrize(("make", "message"), FILES.values(), ids=FILES)
def test_no_such_model(
    make: Callable[[Path], object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no ONNX file is an error in the one form."""
    path = tmp_path / "network.onnx"
    make(path)
    for arguments in (["evaluate", str(path)], ["predict", str(path), "picture.png"]):
        assert cli(arguments) == 1
        assert capsys.readouterr().err.startswith(f"{path}: {message}")


def test_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a file of another kind it is told what is taken instead."""
    (tmp_path / "network.pt2").write_bytes(b"")
    assert cli(["predict", str(tmp_path / "network.pt2"), "picture.png"]) == 1
    told = capsys.readouterr().err
    assert "network.pt2: this is no run. Name a run folder" in told
    assert "or an ONNX file that `cnnspec export` wrote" in told


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.999])
def test_cut_short(share: float, made: Made, tmp_path: Path) -> None:
    """A file that was not copied to its end is refused."""
    data = made.plain.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(cnnspec.CheckpointError):
        load_onnx(tmp_path / "cut.onnx")


def test_hostile_names(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of classes with escape codes reach no terminal as such, whichever command tells them."""
    steering = [text for text in HOSTILE if any(not is_visible(c) for c in text)]
    for first in range(0, len(steering), 3):
        names = [*steering[first : first + 3], "a", "b"][:3]
        model = onnx.load(made.plain)
        changed(model, classes=json.dumps(names))
        path = tmp_path / "hostile.onnx"
        path.write_bytes(model.SerializeToString())
        for form in ("text", "json"):
            assert cli(["predict", str(path), str(made.pictures / "own.png"), "--format", form]) == 0
            out, _ = capsys.readouterr()
            assert all(c == "\n" or is_visible(c) for c in out)
