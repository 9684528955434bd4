"""Training with parts that stay as they are and parts that learn slower."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import crew
import pytest
import torch
from safetensors.torch import load_file, save_file
from tuned import EVERYTHING, MANY, Listener, State, fit, rows, spec, state, values

from cnnspec import catalog
from cnnspec.catalog import DataSet
from cnnspec.errors import CheckpointError
from cnnspec.training import Stopped, checkpoint, pretrained
from cnnspec.training.eager import eager
from cnnspec.training.session import Session


@pytest.fixture
def given(tmp_path: Path) -> State:
    """Weights in a file beside the spec's."""
    save_file(values(), tmp_path / "given.safetensors")
    return values()


FROZEN = ("stem.", "stage.0.")


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("more", [{}, MANY, {"compile": False, "channels_last": True}])
def test_what_is_frozen_stays_to_the_bit(more: dict[str, Any], given: State, tmp_path: Path) -> None:
    """Weights and statistics of frozen blocks do not change by a bit, in average and optimizer neither; all others do."""
    train = {"weights": "given.safetensors", "freeze": ["stem", "stage.0"], **more}
    fit(spec(tmp_path, **train), tmp_path / "run")
    after = state(tmp_path / "run")
    moved = {key for key in given if not torch.equal(after[key], given[key])}
    assert moved == {key for key in given if not key.startswith(FROZEN)}
    kept = load_file(tmp_path / "run" / "last.safetensors")
    learning = sum(p.startswith(("stage.1.", "fc1.")) and "running" not in p for p in given) - 1
    assert len({key.split(".")[1] for key in kept if key.startswith("optimizer.")}) == learning


@pytest.mark.usefixtures("tiny_root", "given")
def test_frozen_layers_compute_as_in_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In training, frozen batch norms use the statistics that they have, and others those of the batch."""
    modes: list[dict[str, bool]] = []
    real = Session.begin_learning

    def note(session: Session) -> None:
        real(session)
        modes.append({name: m.training for name, m in session.state.model.named_modules()})

    monkeypatch.setattr(Session, "begin_learning", note)
    fit(spec(tmp_path, weights="given.safetensors", freeze=["stem", "stage.0"]), tmp_path / "run")
    assert len(modes) == 2  # each epoch anew: a test has put all into evaluation mode
    for mode in modes:
        still = {name for name, training in mode.items() if not training}
        assert still == {"stem.batchnorm1", "stage.0.batchnorm1"}


@pytest.mark.usefixtures("tiny_root")
def test_scaled_learning_rates(given: State, tmp_path: Path) -> None:
    """The first step of a part is as much longer or shorter as `lr_scale` says; the innermost factor counts."""
    plain = {
        "weights": "given.safetensors",
        "epochs": 1,
        "batch_size": 320,
        "optimizer": {"sgd": {"lr": 0.1}},
    }
    scales = {"stage": 0.5, "stage.1": 4, "fc1": 0.25}
    fit(spec(tmp_path, **plain), tmp_path / "one")
    fit(spec(tmp_path, **plain, lr_scale=scales), tmp_path / "other")
    one, other = state(tmp_path / "one"), state(tmp_path / "other")
    factors = {"stem": 1, "stage.0": 0.5, "stage.1": 4, "fc1": 0.25}
    seen = 0
    for key, before in given.items():
        if "running" in key or "num_batches" in key:
            continue
        factor = next(factor for part, factor in factors.items() if key.startswith(part))
        torch.testing.assert_close(other[key] - before, factor * (one[key] - before), rtol=1e-3, atol=1e-6)
        seen += 1
    assert seen == 11


@pytest.mark.usefixtures("tiny_root", "given")
def test_schedule_is_scaled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm-up and schedule are scaled alike in every step, and the metrics show the learning rate of the whole."""
    rates: list[list[float]] = []
    adamw = eager(torch.optim.AdamW)
    real = adamw.step

    def note(optimizer: torch.optim.AdamW, *arguments: Any) -> Any:
        rates.append([group["lr"] / group["lr_scale"] for group in optimizer.param_groups])
        assert {group["lr_scale"] for group in optimizer.param_groups} == {0.5, 1.0, 0.25}
        return real(optimizer, *arguments)

    monkeypatch.setattr(adamw, "step", note)
    train = {"optimizer": {"adamw": {"lr": 0.01}}, "warmup": 0.5, "schedule": "cosine"}
    scaled = spec(tmp_path, lr_scale={"stem": 0.5, "fc1": 0.25}, weights="given.safetensors", **train)
    result = fit(scaled, tmp_path / "run")
    lrs = [step[0] for step in rates]
    assert rates == [pytest.approx([lr] * len(step)) for lr, step in zip(lrs, rates, strict=True)]
    assert lrs[:2] == pytest.approx([0.005, 0.01])
    assert [row["lr"] for row in result.history] == pytest.approx([lrs[3], lrs[7]])


@pytest.mark.usefixtures("tiny_root", "given")
@pytest.mark.parametrize(
    "optimizer", ["adam", {"sgd": {"momentum": 0.9}}, {"rmsprop": {"momentum": 0.9}}, "muon"], ids=str
)
def test_goes_on_as_if_never_stopped(optimizer: Any, tmp_path: Path) -> None:
    """Stopped anywhere and resumed, a fine-tuning ends with the same weights and figures, to the bit; without the file."""
    if optimizer == "muon" and not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
    tuned = spec(tmp_path, **EVERYTHING | {"optimizer": optimizer})
    whole = fit(tuned, tmp_path / "whole")
    stops = (1, 3, 4, 6)
    for at in stops:
        with pytest.raises(Stopped):
            fit(tuned, tmp_path / f"run{at}", reporter=Listener(at))
    (tmp_path / "given.safetensors").unlink()
    for at in stops:
        before = json.loads((tmp_path / f"run{at}" / "environment.json").read_text("utf-8"))
        told = Listener()
        result = fit(None, tmp_path / f"run{at}", reporter=told)
        assert result.weights_hash == whole.weights_hash
        assert rows(result) == rows(whole)
        after = json.loads((tmp_path / f"run{at}" / "environment.json").read_text("utf-8"))
        assert after["weights"] == before["weights"]
        assert told.job.weights == ()


@pytest.mark.usefixtures("tiny_root", "given")
def test_goes_on_without_a_checkpoint(tmp_path: Path) -> None:
    """A run that died before its first checkpoint begins with the weights again, if they are the same."""
    tuned = spec(tmp_path, **EVERYTHING)
    whole = fit(tuned, tmp_path / "run")
    files = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for name in ("last", "previous", "best"):
        (tmp_path / "run" / f"{name}.safetensors").unlink()
    (tmp_path / "run" / "metrics.jsonl").unlink()
    assert fit(None, tmp_path / "run").weights_hash == whole.weights_hash
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    for name in ("spec.yaml", "environment.json"):
        (tmp_path / "run" / name).write_bytes(files[name])
    save_file(values() | {"fc1.bias": torch.zeros(10)}, tmp_path / "given.safetensors")
    with pytest.raises(
        CheckpointError, match="not the weights that the run began with; the file has changed"
    ):
        fit(None, tmp_path / "run")


@pytest.mark.usefixtures("tiny_root", "given")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("freeze: [stem]", "freeze: [stem, stage.1]", "lr_scale 1.0, not 3.0"),
        ("freeze: [stem]", "freeze: []", "parameters, not"),
        ("stage.0: 0.1", "stage.0: 0.2", "lr_scale 0.1, not 0.2"),
        ("stage.0: 0.1", "stage.1: 0.1", "lr_scale 0.1, not 1.0"),
        ("lr_scale: {stage.0: 0.1, fc1: 3.0}", "lr_scale: {}", "a group has 1 parameters, not 3"),
    ],
)
def test_exchanged_spec(old: str, new: str, words: str, tmp_path: Path) -> None:
    """A checkpoint whose parts learned otherwise than the spec beside it says is refused."""
    fit(spec(tmp_path, **EVERYTHING, epochs=1), tmp_path / "run")
    path = tmp_path / "run" / "spec.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(CheckpointError) as caught:
        fit(None, tmp_path / "run", epochs=2)
    assert "does not belong to this spec; its optimizer's state does not fit" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.usefixtures("tiny_root", "given")
def test_checkpoint_of_before(tmp_path: Path) -> None:
    """A checkpoint whose groups say nothing of `lr_scale`, as earlier versions wrote them, goes on all the same."""
    fit(spec(tmp_path), tmp_path / "whole")
    with pytest.raises(Stopped):
        fit(spec(tmp_path), tmp_path / "run", reporter=Listener(4))
    path = tmp_path / "run" / "last.safetensors"
    tensors, header = checkpoint._read(path)
    for group in header["optimizer"]:
        del group["lr_scale"]
    metadata = {"cnnspec": json.dumps(header), "sha256": "0" * 64}
    save_file(tensors, path, metadata)
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest().encode()
    path.write_bytes(data.replace(b"0" * 64, digest, 1))
    result = fit(None, tmp_path / "run")
    assert all(torch.equal(x, state(tmp_path / "whole")[key]) for key, x in state(result.folder).items())


def _no_file(*_arguments: Any) -> None:
    raise AssertionError("only the first process needs the weights' file")


def one_of_several(data_set: DataSet, folder: Path, out: Path) -> str:
    """Train in one of several processes, and return the hash of the weights."""
    catalog.DATA_SETS["mnist"] = data_set
    if os.environ.get("RANK", "0") != "0":
        vars(pretrained)["source"] = _no_file
    tuned = spec(folder, **EVERYTHING | {"optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9}}})
    return fit(tuned, out).weights_hash


def test_several_processes(tiny: DataSet, tiny_root: Path, given: State, tmp_path: Path) -> None:
    """Two processes fine-tune as one does, and only the first one's machine needs the weights."""
    one_of_several(tiny, tmp_path, tmp_path / "alone")
    first, second = crew.run(one_of_several, tiny, tmp_path, tmp_path / "both")
    assert first == second
    alone, both = state(tmp_path / "alone"), state(tmp_path / "both")
    for key, value in alone.items():
        if key.startswith("stem."):
            assert torch.equal(both[key], given[key])
        torch.testing.assert_close(both[key], value, rtol=1e-3, atol=1e-5)
