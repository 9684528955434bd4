"""The processes that decode pictures while the network computes: as many as there are processors.

They are torch's DataLoader workers, and read whole batches in the order asked for, a few ahead. One
crew of them serves all parts of the data, since a network learns and is tested in turns.
"""

import atexit
import multiprocessing
import signal
import sys
import warnings
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from cnnspec import machine
from cnnspec.data.source import Decoded, Files, Reader, checked
from cnnspec.errors import DataError, Problem
from cnnspec.shape import Shape

AHEAD = 2
"""Batches that each process may be ahead."""

GRACE = 60
"""Seconds that such a process lives on after SIGTERM, so that the one that trains can finish its step."""

LOST = "DataLoader worker"
"""What torch's error says where such a process has ended by itself."""


def workers(local_size: int = 1) -> int:
    """Return how many processes decode for each of the `local_size` that train on this machine.

    None where there is a single processor, which would only be shared, and in a daemon of
    multiprocessing, which may not have children: then the process that trains decodes by itself.
    """
    share = machine.processors() // local_size
    return share if share > 1 and not multiprocessing.current_process().daemon else 0


class Decoders:
    """Decodes the pictures of several parts of the data for inputs of a shape."""

    def __init__(self, parts: Sequence[Files], shape: Shape, count: int) -> None:
        self._order = _Order()
        self._loader: DataLoader[Decoded | list[Problem]] = DataLoader(
            _Readers([Reader(files, shape) for files in parts]),
            batch_size=None,
            sampler=self._order,
            num_workers=count,
            collate_fn=_as_it_is,
            prefetch_factor=AHEAD if count else None,
            persistent_workers=count > 0,
            worker_init_fn=_deaf,
            multiprocessing_context="fork" if count and sys.platform == "linux" else None,
            generator=torch.Generator(),  # its draw, which nothing needs, must not be one of torch's own
        )
        _OPEN.add(self)

    def read(self, part: int, batches: Sequence[Tensor]) -> Iterator[Decoded]:
        """Yield batches of a part, given as indices, in their order. Raises DataError."""
        self._order.batches = [(part, indices) for indices in batches]
        try:
            for answer in self._begin() if batches else ():
                yield checked(answer)
        except RuntimeError as error:
            raise lost(error) or error from None

    def _begin(self) -> Iterator[Decoded | list[Problem]]:
        with warnings.catch_warnings():
            # Python warns of a fork beside threads; torch's workers use nothing that these could hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            return iter(self._loader)

    def close(self) -> None:
        """End the processes; they begin anew when there is something to read."""
        # Workers that persist end with their loader; torch has no public name for it.
        begun, self._loader._iterator = self._loader._iterator, None  # noqa: SLF001
        if isinstance(begun, _MultiProcessingDataLoaderIter):
            begun._shutdown_workers()  # noqa: SLF001


_OPEN: weakref.WeakSet[Decoders] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End the processes of all that are open: multiprocessing would send SIGTERM and wait."""
    for decoders in list(_OPEN):
        decoders.close()


def lost(error: RuntimeError) -> DataError | None:
    """Return the error that a process which decodes has ended by itself, if it is one of torch's for that."""
    if LOST not in str(error):
        return None
    what, why = (
        "a process that reads pictures was killed",
        "there may not be enough memory for what it decodes",
    )
    fix = "Use a smaller batch_size, or smaller pictures, and go on with `train --resume RUN`"
    return DataError(Problem(what, why, fix))


@dataclass
class _Order:
    """The batches that are read next: part and indices of each."""

    batches: list[tuple[int, Tensor]] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Readers(Dataset[Decoded | list[Problem]]):
    """The readers of all parts, as a worker has them."""

    def __init__(self, readers: list[Reader]) -> None:
        self.readers = readers

    def __getitem__(self, wanted: tuple[int, Tensor]) -> Decoded | list[Problem]:
        part, indices = wanted
        return self.readers[part][indices]


def _as_it_is(answer: Decoded | list[Problem]) -> Decoded | list[Problem]:
    return answer


def _deaf(_worker: int) -> None:
    """Leave it to the process that trains to stop: signals may be sent to all, but the step must end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):  # not on Windows, where nobody sends SIGTERM
        signal.signal(signal.SIGTERM, lambda _number, _frame: signal.alarm(GRACE))
