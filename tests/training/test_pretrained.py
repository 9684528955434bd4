"""What a training begins with: files, runs and published weights, and what is wrong with them."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model
from tuned import EVERYTHING, NET, Listener, State, fit, spec, state, values

import cnnspec
from cnnspec.errors import CheckpointError, SpecError
from cnnspec.training import dry_run, pretrained
from cnnspec.training.session import Session

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture
def given(tmp_path: Path) -> State:
    """Weights in a file beside the spec's."""
    save_file(values(), tmp_path / "given.safetensors")
    return values()


@pytest.mark.usefixtures("tiny_root")
def test_from_a_run(tmp_path: Path) -> None:
    """A run's folder gives the weights of its best epoch, as it uses them, and its normalization; also its checkpoints."""
    own = spec(tmp_path, ema=0.5).normalized(0.25, 0.5)
    fit(own, tmp_path / "first")
    best = state(tmp_path / "first", "best")
    for name in ("first", "first/best.safetensors"):
        tuned = spec(tmp_path, weights=name, freeze=["stem", "stage"], epochs=1)
        told = Listener()
        fit(tuned, tmp_path / name.replace("/", "-").replace("first", "second"), reporter=told)
        after = state(Path(told.job.folder))
        assert all(torch.equal(after[key], best[key]) for key in after if not key.startswith("fc1"))
        trained = cnnspec.load(Path(told.job.folder) / "spec.yaml")
        assert trained.data.normalize == own.data.normalize
        assert trained.train.weights == str(tmp_path / name)
        assert told.job.weights[1:] == ("pictures are normalized as for these weights: mean 0.25, std 0.5",)


@pytest.mark.usefixtures("tiny_root", "given")
def test_report(tmp_path: Path) -> None:
    """What became of the weights is told before training, and stands in the run with the file's hash."""
    told = Listener()
    fit(spec(tmp_path, weights="given.safetensors"), tmp_path / "run", reporter=told)
    path = tmp_path / "given.safetensors"
    assert told.job.weights == (f"{path}: 20 of 20 tensors, matched by name",)
    environment = json.loads((tmp_path / "run" / "environment.json").read_text("utf-8"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = {"from": str(path), "file": str(path), "sha256": digest, "matched": 20, "by": "name"}
    assert expected.items() <= environment["weights"].items()
    # A file says nothing of how pictures were normalized: it is the data set's own that counts.
    assert cnnspec.load(tmp_path / "run" / "spec.yaml").data.normalize == spec(tmp_path).data.statistics(
        (1, 28, 28)
    )


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_other_precision(kind: torch.dtype, tmp_path: Path) -> None:
    """Floats of every precision are taken as the nearest of float32; that old weights lack counters is told."""
    old = {key: x.to(kind) for key, x in values().items() if not key.endswith("num_batches_tracked")}
    save_file(old, tmp_path / "given.safetensors")
    own = spec(tmp_path, weights="given.safetensors").located()
    model = own.plan().build()
    told = pretrained.lines(pretrained.fill(own, model, Listener()))
    assert told[0].endswith("given.safetensors: 17 of 20 tensors, matched by name")
    assert told[1:] == ("there are no counters of 3 batch norms, which begin at 0",)
    state = model.state_dict()
    assert all(torch.equal(state[key], x.float()) for key, x in old.items())


@pytest.mark.usefixtures("tiny_root", "given")
def test_dry_run(tmp_path: Path) -> None:
    """A dry run begins with the weights, too, and tells the same."""
    told = Listener()
    fit(spec(tmp_path, **EVERYTHING, epochs=1), tmp_path / "run", reporter=told)
    tried = dry_run(spec(tmp_path, **EVERYTHING), device="cpu", threads=1)
    assert tried.job.weights == told.job.weights
    other = dry_run(spec(tmp_path, **EVERYTHING | {"weights": None}), device="cpu", threads=1)
    assert tried.losses[0] != other.losses[0]


@pytest.mark.usefixtures("tiny_root")
def test_given_by_an_option(given: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a setting names is looked for in the working folder, and one that the spec names beside it."""
    monkeypatch.chdir(tmp_path)
    elsewhere = spec(tmp_path / "elsewhere", epochs=1, freeze=["stem"])
    settings = {"weights": "given.safetensors", "lr_scale.stage.1": 0.5}
    result = fit(elsewhere, tmp_path / "run", settings=settings)
    assert torch.equal(state(tmp_path / "run")["stem.conv1.weight"], given["stem.conv1.weight"])
    assert result.run.plan.spec.train.lr_scale == {"stage.1": 0.5}
    with pytest.raises(CheckpointError, match=r"^--train weights: there are no weights"):
        fit(elsewhere, tmp_path / "other", settings={"weights": "other.safetensors"})
    text = NET.replace("train:", "train:\n  weights: given.safetensors")
    beside = cnnspec.loads(text, file=str(tmp_path / "elsewhere" / "net.yaml"))
    line = text[: text.index("  weights:")].count("\n") + 1
    with pytest.raises(
        CheckpointError, match=rf"net\.yaml:{line}:12: there are no weights .*elsewhere/given"
    ):
        fit(beside, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def pickled(path: Path) -> None:
    torch.save(values(), path)


def of_other_names(path: Path) -> None:
    save_file({f"layer{n}.weight": x for n, x in enumerate(values().values())}, path)


def with_nan(path: Path) -> None:
    save_file(values() | {"fc1.bias": torch.full((10,), float("nan"))}, path)


def too_large(path: Path) -> None:
    save_file(values() | {"fc1.bias": torch.full((10,), 1e300, dtype=torch.float64)}, path)


def without_tensors(path: Path) -> None:
    save_file({}, path)


def too_few(path: Path) -> None:
    save_file({key: x for key, x in values().items() if not key.startswith("stem.conv1")}, path)


def quantized(path: Path) -> None:
    save_file(values() | {"fc1.bias": torch.zeros(10, dtype=torch.int8)}, path)


def cut(path: Path) -> None:
    save_file(values(), path)
    path.write_bytes(path.read_bytes()[:-1])


def a_folder(path: Path) -> None:
    path.mkdir()


def a_text(path: Path) -> None:
    path.write_text("weights", "utf-8")


def nothing(path: Path) -> None:
    assert not path.exists()


WRONG = {
    pickled: "the file cannot be read; ",
    of_other_names: "instead of 'stem.conv1.weight'; a file keeps no order. Load them in Python with `cnnspec.load_weights(",
    with_nan: "the weights are not all finite numbers; the first that are not are in fc1.bias. Use others.",
    too_large: "the weights are not all finite numbers; the first that are not are in fc1.bias. Use others.",
    without_tensors: "there are no tensors in the file. Use another one.",
    too_few: "the weights do not fit the model; 19 tensors do, but not these: 1 missing (stem.conv1.weight). They are of another network, or of another size of it.",
    quantized: "fc1.bias is of int8; fc1.bias of the model is of float32. Give weights that are not quantized.",
    cut: "the file cannot be read; ",
    a_folder: "this is not a whole run; spec.yaml, environment.json are missing. Name a run folder that `cnnspec train` wrote.",
    a_text: "the file cannot be read; it has no whole header. It is damaged, or no safetensors file; use another one.",
    nothing: "given.safetensors'. Check the path, or write `torchvision:NAME` for published weights.",
}


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_wrong_weights(make: Any, tmp_path: Path) -> None:
    """Whatever is wrong with a file is told before training, and no run is left behind."""
    make(tmp_path / "given.safetensors")
    with pytest.raises(CheckpointError) as caught:
        fit(spec(tmp_path, weights="given.safetensors"), tmp_path / "run")
    assert WRONG[make] in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tiny_root")
def test_damaged_checkpoint(tmp_path: Path) -> None:
    """A checkpoint of ours is held to its hash, where training only begins with it, too."""
    fit(spec(tmp_path, epochs=1), tmp_path / "first")
    path = tmp_path / "first" / "best.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="its content is not what was written: it is damaged"):
        fit(spec(tmp_path, weights="first"), tmp_path / "run")


@pytest.mark.usefixtures("tiny_root")
def test_new_layer_cannot_be_frozen(tmp_path: Path) -> None:
    """A last layer that is as new as the classes would stay random if it were frozen."""
    save_file(
        values() | {"fc1.weight": torch.rand(7, 24), "fc1.bias": torch.rand(7)},
        tmp_path / "given.safetensors",
    )
    tuned = spec(tmp_path, weights="given.safetensors", freeze=["stage", "fc1"])
    with pytest.raises(SpecError) as caught:
        fit(tuned, tmp_path / "run")
    assert (
        "freeze keeps fc1, which would stay random; it has 10 outputs, and the weights are for 7. Let fc1 learn."
        in str(caught.value)
    )
    told = Listener()
    fit(spec(tmp_path, weights="given.safetensors", freeze=["stage"]), tmp_path / "run", reporter=told)
    assert told.job.weights[1:] == ("fc1 has 10 outputs instead of 7: its weights are new",)


@pytest.mark.usefixtures("tiny_root")
def test_new_layer_is_as_the_seed_makes_it(given: State, tmp_path: Path) -> None:
    """Beginning with weights changes no random draw: what is new is what it would have been without them."""
    save_file(
        given | {"fc1.weight": torch.rand(7, 24), "fc1.bias": torch.rand(7)}, tmp_path / "given.safetensors"
    )
    made: list[State] = []

    class Look(Session):
        def begin_learning(self) -> None:
            made.append({key: x.clone() for key, x in self.state.model.state_dict().items()})
            raise SpecError

    for weights in ("given.safetensors", None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "begin_learning", Look.begin_learning)
            with pytest.raises(SpecError):
                fit(spec(tmp_path, weights=weights), tmp_path / "run")
    assert torch.equal(made[0]["fc1.weight"], made[1]["fc1.weight"])
    assert torch.equal(made[0]["stem.conv1.weight"], given["stem.conv1.weight"])


@pytest.mark.usefixtures("tiny_root")
def test_file_with_torchvisions_names(tmp_path: Path) -> None:
    """A safetensors file of torchvision's network, which has its names sorted, fits a zoo variant, in gray and for ten classes."""
    torch.manual_seed(0)
    theirs = get_model("shufflenet_v2_x0_5", weights=None).state_dict()
    save_file(theirs, tmp_path / "given.safetensors")
    zoo = cnnspec.load(SPECS / "shufflenet_v2.yaml", variant="shufflenet_v2_x0_5", set={"classes": 10})
    small = replace(zoo, input=(1, 32, 32)).overridden(dataset="mnist", epochs=1, batch_size=160)
    freeze = [step.path for step in small.plan().steps if step.params and step.path != "fc1"]
    settings = {"weights": str(tmp_path / "given.safetensors"), "freeze": freeze}
    told = Listener()
    fit(small, tmp_path / "run", settings=settings, reporter=told)
    assert told.job.weights == (
        f"{tmp_path / 'given.safetensors'}: 336 of 338 tensors, matched by order",
        "stem.conv1 takes 1 instead of 3 channels: its weights are summed",
        "fc1 has 10 outputs instead of 1,000: its weights are new",
    )
    after = state(tmp_path / "run")
    expected = zoo.plan().build()
    cnnspec.load_weights(expected, theirs, adapt=True)
    wanted = expected.state_dict()
    assert all(
        torch.equal(after[key], wanted[key]) for key in wanted if not key.startswith(("stem.conv1", "fc1"))
    )
    torch.testing.assert_close(after["stem.conv1.weight"], wanted["stem.conv1.weight"].sum(1, keepdim=True))
