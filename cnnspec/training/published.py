"""The weights that torchvision publishes: found by name, downloaded by torchvision into torch's cache."""

import hashlib
import http.client
import io
import pickle
import re
import threading
import urllib.error
import urllib.parse
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cnnspec.errors import CheckpointError, Place, Problem, SpecError, did_you_mean, one_of, shown
from cnnspec.language.data import Normalize, normalization
from cnnspec.language.finetuning import TORCHVISION, Published, published
from cnnspec.shape import Shape
from cnnspec.spec import Spec
from cnnspec.training.reporter import Reporter

LOOK = 0.2
"""Seconds between two looks at how much of a file has come."""

_NO_NETWORK = (OSError, http.client.HTTPException)
_DAMAGED = (EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError)

_SCALED_WITHIN = ("googlenet", "inception_v3")
"""Networks that torchvision gives pictures from −1 to 1, whatever they were normalized by before."""

_OLD_NAMES = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")
"""What DenseNet's layers were called when its weights were published: ``norm.1`` is ``norm1`` today."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Weights of one of torchvision's networks; `entry` is torchvision's own of them."""

    network: str
    entry: Any

    @property
    def name(self) -> str:
        """What a spec calls them, in full."""
        return f"{TORCHVISION}:{self.network}:{self.entry.name}"

    @property
    def path(self) -> Path:
        """Where the file is, or will be."""
        name = Path(urllib.parse.urlparse(self.entry.url).path).name
        return Path(torch.hub.get_dir()) / "checkpoints" / name

    def statistics(self, shape: Shape) -> Normalize:
        """Return how the pictures were normalized that they were learned from, for inputs of that shape."""
        known = self.entry.transforms()
        half = (0.5, 0.5, 0.5)
        mean, std = (half, half) if self.network in _SCALED_WITHIN else (known.mean, known.std)
        return normalization(tuple(map(float, mean)), tuple(map(float, std)), shape)

    def read(self, reporter: Reporter) -> dict[str, Tensor]:
        """Return the tensors in the network's order, from the cache or downloaded. Raises CheckpointError."""
        path = self.path
        if path.exists():
            _check_hash(path)
        try:
            with _shown(path, self.entry, reporter), _quiet():
                state = self.entry.get_state_dict(
                    progress=False, check_hash=True, weights_only=True, map_location="cpu"
                )
        except pickle.UnpicklingError as error:
            why = f"it holds more than tensors, which is not read: {_first_line(error)}"
            raise _unreadable(path, why) from None
        except (*_NO_NETWORK, *_DAMAGED) as error:
            if path.exists():
                raise _unreadable(path, _first_line(error)) from None
            fix = f"Check the connection; or have {self.entry.url} from elsewhere in {path.parent}"
            what = f"{path.name} cannot be downloaded"
            raise CheckpointError(Problem(what, _first_line(error), fix)) from None
        return in_order(state, self.network)


def find(spec: Spec, asked: Published) -> Publication:
    """Return the weights that a spec asks for. Raises SpecError where torchvision has none such."""
    from torchvision.models import get_model_weights

    network, place = asked.network or network_of(spec), place_of(spec)
    known = _networks()
    if network not in known:
        what = f"torchvision has no network {shown(network or spec.name)}"
        why = "" if asked.network else "weights of its own belong to a network by its name there"
        fix = did_you_mean(network or spec.name, known)
        if not fix:
            fix = f"Write the network before the name: `{TORCHVISION}:resnet18:{asked.name}`"
        raise SpecError(Problem(what, why, fix, place))
    entries = get_model_weights(network)
    if asked.name not in entries.__members__:
        names = [entry.name for entry in entries]
        what, why = f"{network} has no weights {shown(asked.name)}", f"torchvision has {one_of(names)} of it"
        raise SpecError(Problem(what, why, did_you_mean(asked.name, names), place))
    return Publication(network, entries[asked.name])


def place_of(spec: Spec) -> Place:
    """Return where a spec's weights are named: in its file, or by an option, which goes before that."""
    train = spec.document.value.get("train") if isinstance(spec.document.value, dict) else None
    given = train.get("weights") if isinstance(train, dict) else None
    if not isinstance(given, str) or spec.train.weights is None:
        return Place("--train weights")
    one, other = published(given), published(spec.train.weights)
    here = spec.located().train.weights
    file = replace(spec, train=spec.train.model_copy(update={"weights": given})).located().train.weights
    is_same = one.name == other.name if one and other else here == file
    return spec.document.value_place(("train", "weights")) if is_same else Place("--train weights")


def network_of(spec: Spec) -> str:
    """Return what torchvision calls the network of a spec: its variant or its name; empty for neither."""
    known = _networks()
    return next((name for name in (spec.variant, spec.name) if name in known), "")


def in_order(tensors: Mapping[str, Tensor], network: str) -> dict[str, Tensor]:
    """Return the tensors in the order in which torchvision's network has them; those of other names last.

    Files do not keep it: some were written by earlier versions, others hold the names sorted.
    """
    renamed = {_OLD_NAMES.sub(r"\1", key): x for key, x in tensors.items()}
    known = {key: renamed[key] for key in names_in(network) if key in renamed}
    return known | renamed


def names_in(network: str) -> list[str]:
    """Return the names of all tensors of one of torchvision's networks, in order."""
    return list(outline(network))


def outline(network: str) -> dict[str, Tensor]:
    """Return the tensors of one of torchvision's networks, in order; what it learns is without values."""
    from torchvision.models import get_model

    options = {"init_weights": False} if network in _SCALED_WITHIN else {}
    with _NoValues():
        return dict(get_model(network, weights=None, **options).state_dict())


class _NoValues(TorchFunctionMode):
    """Lets layers have weights without values, which take no memory and no time.

    All else is computed: torchvision works out the sizes of RegNet with tensors.
    """

    def __torch_function__(
        self, func: Any, _types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func is torch.empty and given.get("device") is None:
            given = given | {"device": "meta"}
        return func(*args, **given)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file. Raises CheckpointError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        what, why = "the file cannot be read", error.strerror or str(error)
        raise CheckpointError(Problem(what, why, "Check its permissions", Place(str(path)))) from None


def _networks() -> list[str]:
    import torchvision.models

    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _check_hash(path: Path) -> None:
    """Raise CheckpointError where a file in the cache is not the one whose hash it has in its name."""
    found = torch.hub.HASH_REGEX.search(path.name)
    if found and not file_hash(path).startswith(found[1]):
        raise _unreadable(path, "its hash is not the one in its name")


def _unreadable(path: Path, why: str) -> CheckpointError:
    fix = "Remove the file; it is then downloaded again"
    return CheckpointError(Problem("the weights in the cache are damaged", why, fix, Place(str(path))))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch from printing, where results are expected, and from warnings of what is an error here."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _shown(path: Path, entry: Any, reporter: Reporter) -> Iterator[None]:
    """Show how much of a file has come, if it is not there yet; torch's own bar knows no reporter."""
    if path.exists():
        yield
        return
    megabytes = entry.meta.get("_file_size", 0)
    total = round(megabytes * 2**20) or None
    host = urllib.parse.urlparse(entry.url).netloc or "this machine"
    reporter.notice(f"Downloading {path.name} from {host} into {path.parent}")
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            parts = [part for part in path.parent.glob("*.partial") if part.name.startswith(path.name)]
            with suppress(OSError):  # it may be done meanwhile
                reporter.downloading(path.name, max((p.stat().st_size for p in parts), default=0), total)

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()
    size = path.stat().st_size
    reporter.downloading(path.name, size, size)


def _first_line(error: Exception) -> str:
    reason = error if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
    return (str(reason).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
