"""Weights that torchvision publishes: found by name, downloaded once by torchvision, and never unpickled."""

import hashlib
import io
import os
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mirror import Mirror, breaks_off, status
from mirror_fixtures import Start
from torch import Tensor
from torchvision.models import ShuffleNet_V2_X0_5_Weights, get_model
from tuned import fit, spec

import cnnspec
from cnnspec.errors import CheckpointError, SpecError
from cnnspec.training import Reporter
from cnnspec.training.published import Publication
from cnnspec.training.reporter import Job

SPECS = Path(__file__).parents[2] / "specs"
ENTRY = ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1

State = dict[str, Tensor]


class Listener(Reporter):
    """Knows what was told."""

    weights: Sequence[str]

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.downloads: list[tuple[str, int, int | None]] = []

    def begin(self, job: Job) -> None:
        self.weights = job.weights

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def downloading(self, name: str, done: int, total: int | None) -> None:
        self.downloads.append((name, done, total))


@pytest.fixture(scope="module")
def state() -> State:
    """The tensors of a network of torchvision's, with values of their own."""
    torch.manual_seed(7)
    made: State = get_model("shufflenet_v2_x0_5", weights=None).state_dict()
    return made


def saved(content: Any) -> bytes:
    """Return what torch.save writes."""
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def name_of(data: bytes) -> str:
    return f"some-{hashlib.sha256(data).hexdigest()[:10]}.pth"


Publish = Callable[..., Mirror]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of torch's cache, which is not there yet."""
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def publish(cache: Path, start_mirror: Start, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publish these bytes, by the name that has their hash, in the place of torchvision's."""

    def publish(data: bytes, name: str = "") -> Mirror:
        name = name or name_of(data)
        mirror = start_mirror({name: data})
        monkeypatch.setattr(ENTRY.value, "url", mirror.url + name)
        return mirror

    return publish


def read(told: Reporter | None = None) -> State:
    return Publication("shufflenet_v2_x0_5", ENTRY).read(told or Listener())


def refused() -> str:
    with pytest.raises(CheckpointError) as caught:
        read()
    return str(caught.value)


def test_downloaded_once(
    publish: Publish, cache: Path, state: State, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first time the file is downloaded into torch's cache, which is told, and then it is read from there."""
    data = saved(state)
    mirror, told = publish(data), Listener()
    for _ in range(2):
        found = read(told)
        assert list(found) == list(state)
        assert all(torch.equal(found[key], state[key]) for key in state)
    assert mirror.sent == [len(data)]
    assert [path.name for path in cache.iterdir()] == [name_of(data)]
    assert told.notices == [f"Downloading {name_of(data)} from {mirror.url[7:-1]} into {cache}"]
    assert told.downloads[-1] == (name_of(data), len(data), len(data))
    assert capfd.readouterr() == ("", "")  # torch says nothing where results are expected


def test_torch_finds_it(publish: Publish, state: State) -> None:
    """What we have downloaded, torchvision's own functions find as well."""
    mirror = publish(saved(state))
    read()
    mirror.sent.clear()
    model = get_model("shufflenet_v2_x0_5", weights=ENTRY)
    assert torch.equal(model.state_dict()["fc.weight"], state["fc.weight"])
    assert len(mirror.log) == 0


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection it is said what is missing, and where the file can be put by hand."""
    monkeypatch.setattr(ENTRY.value, "url", "http://127.0.0.1:9/some-0123456789.pth")
    message = refused()
    assert message.startswith("some-0123456789.pth cannot be downloaded; [Errno")
    assert "Connection refused" in message
    assert message.endswith(f"or have http://127.0.0.1:9/some-0123456789.pth from elsewhere in {cache}.")
    assert not list(cache.iterdir())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(404), "HTTP Error 404"),
        (status(503), "HTTP Error 503"),
        (breaks_off(1000), "invalid hash value"),
    ],
    ids=["not there", "busy", "breaks off"],
)
def test_failing_server(answer: Any, words: str, publish: Publish, cache: Path, state: State) -> None:
    """What a server refuses or does not finish is an error, and no part is left."""
    publish(saved(state)).answers = [answer]
    message = refused()
    assert "cannot be downloaded" in message
    assert words in message
    assert not list(cache.iterdir())
    assert read().keys() == state.keys()  # the next time it works


def test_wrong_hash(publish: Publish, cache: Path, state: State) -> None:
    """A file that is not the one whose hash it has in its name is not kept."""
    publish(saved(state), "some-0123456789.pth")
    assert 'cannot be downloaded; invalid hash value (expected "0123456789", got' in refused()
    assert not list(cache.iterdir())


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda _: b"", lambda data: b"x" + data[1:]])
def test_damaged_cache(damage: Callable[[bytes], bytes], publish: Publish, cache: Path, state: State) -> None:
    """A file in the cache is held to its hash each time, which torch itself does not do."""
    data = saved(state)
    publish(data)
    cache.mkdir(parents=True)
    path = cache / name_of(data)
    path.write_bytes(damage(data))
    assert refused() == (
        f"{path}: the weights in the cache are damaged; its hash is not the one in its name. "
        "Remove the file; it is then downloaded again."
    )
    path.unlink()
    assert read().keys() == state.keys()


class Payload:
    """What would run if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def legacy(content: Any) -> bytes:
    """Return what torch.save wrote before it wrote archives, packed as the hub once was."""
    inner, outer = io.BytesIO(), io.BytesIO()
    torch.save(content, inner, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("weights.pth", inner.getvalue())
    return outer.getvalue()


@pytest.mark.parametrize("written", [saved, legacy, pickle.dumps])
def test_nothing_is_unpickled(written: Callable[[Any], bytes], publish: Publish, tmp_path: Path) -> None:
    """A file with the right hash that holds more than tensors is refused, and what is in it does not run."""
    publish(written({"fc.weight": Payload(tmp_path / "ran")}))
    message = refused()
    assert "holds more than tensors" in message
    assert not (tmp_path / "ran").exists()
    assert torch.load(io.BytesIO(saved(Payload(tmp_path / "ran"))), weights_only=False) is None
    assert (tmp_path / "ran").exists()  # so it is real


@pytest.mark.parametrize("data", [b"", b"<html>blocked</html>", b"PK\x03\x04 and no more"])
def test_no_weights_at_all(data: bytes, publish: Publish) -> None:
    """Whatever else has the right hash is an error, not a traceback."""
    publish(data)
    message = refused()
    assert "the weights in the cache are damaged" in message
    assert "Traceback" not in message


def test_unreadable_cache(publish: Publish, cache: Path, state: State) -> None:
    """A folder in the file's place is told."""
    data = saved(state)
    publish(data)
    (cache / name_of(data)).mkdir(parents=True)
    assert "the file cannot be read; Is a directory" in refused()


def test_training_begins_with_them(publish: Publish, state: State, tiny_root: Path, tmp_path: Path) -> None:
    """A zoo variant begins with published weights: in gray, for ten classes, normalized as these were, by its full name."""
    publish(saved(state))
    small = cnnspec.load(SPECS / "shufflenet_v2.yaml", variant="shufflenet_v2_x0_5", set={"classes": 10})
    zoo = replace(small, input=(1, 32, 32)).overridden(dataset="mnist", epochs=1, batch_size=160)
    freeze = [step.path for step in zoo.plan().steps if step.params and step.path != "fc1"]
    settings = {"weights": "torchvision:DEFAULT", "freeze": freeze}
    told = Listener()
    cnnspec.train(zoo, out=tmp_path / "run", settings=settings, device="cpu", threads=1, reporter=told)
    full = "torchvision:shufflenet_v2_x0_5:IMAGENET1K_V1"
    assert told.weights == (
        f"{full}: 336 of 338 tensors, matched by order",
        "stem.conv1 takes 1 instead of 3 channels: its weights are summed",
        "fc1 has 10 outputs instead of 1,000: its weights are new",
        "pictures are normalized as for these weights: mean 0.459, std 0.226",
    )
    run = cnnspec.load_run(tmp_path / "run")
    assert run.plan.spec.train.weights == full
    assert run.plan.spec.data.normalize == Publication("shufflenet_v2_x0_5", ENTRY).statistics((1, 32, 32))
    record = run.environment["weights"]
    assert record["from"] == full
    assert record["file"].endswith(record["sha256"][:10] + ".pth")
    own, again = zoo.normalized(0.1307, 0.3081), Listener()
    cnnspec.train(own, out=tmp_path / "own", settings=settings, device="cpu", threads=1, reporter=again)
    assert again.weights[-1] == (
        "pictures are normalized otherwise than for these weights: those had mean 0.459, std 0.226"
    )
    assert cnnspec.load_run(tmp_path / "own").plan.spec.data.normalize == own.data.normalize


def test_another_network_is_not_downloaded(
    publish: Publish, cache: Path, state: State, tiny_root: Path, tmp_path: Path
) -> None:
    """Weights of a network that the spec's is not are refused before they are downloaded."""
    publish(saved(state))
    settings = {"weights": f"torchvision:shufflenet_v2_x0_5:{ENTRY.name}"}
    with pytest.raises(CheckpointError, match=r"^--train weights: the weights do not fit the model; "):
        fit(spec(tmp_path), tmp_path / "run", settings=settings)
    assert not cache.exists()


def test_a_typo_is_told_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is none ends training at once, at its place in the file, without data and without a run."""
    text = (SPECS / "shufflenet_v2.yaml").read_text("utf-8")
    more = "data: {folder: nowhere}\ntrain:\n  weights: torchvision:IMAGENET_V1\n"
    (tmp_path / "net.yaml").write_text(f"{text}\n{more}", "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        cnnspec.train(cnnspec.load("net.yaml"))
    place = f"net.yaml:{len(text.splitlines()) + 4}:12"
    assert str(caught.value).startswith(f"{place}: shufflenet_v2_x0_5 has no weights 'IMAGENET_V1'")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.yaml"]
