"""The processes that train one network together, on one machine or on several; most often there is only one.

`torchrun` starts them and tells each its number. Every process has the same weights, computes a
part of every batch, and adds its gradients to the others'. The first one writes and prints.
With one process, everything here does nothing, and torch.distributed is not imported.
"""

import inspect
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import torch
from torch import Tensor, nn

from cnnspec.errors import CnnspecError, Problem, SpecError, shown

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process in its environment."""

WAIT = timedelta(minutes=10)
"""How long a process waits for the others to join, and for their gradients."""

LONG = timedelta(hours=2)
"""How long a process waits for another one's files: the data may have to be downloaded."""

START = "Start it as `torchrun --nproc-per-node 2 -m cnnspec train SPEC` does"

START_AGAIN = "Go on with `train --resume RUN`, in as many processes as you like"

_NUMBERS = itertools.count(1)
"""Numbers of the trainings of this process, which are the same in all that train together."""


class OtherProcessError(CnnspecError):
    """Another process failed and says why; this one ends with it, and has nothing to add."""

    def __str__(self) -> str:
        return "another process of this training failed"


@dataclass
class Processes:
    """This process among those that train together: `rank` of `size`, `local_rank` of `local_size` here."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    _talk: Any = field(default=None, repr=False)  # the group for plain values, which never waits for a GPU
    _place: Any = field(default=None, repr=False)  # what dropout must know

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return what torchrun says in the environment, which may be nothing. Raises SpecError."""
        if environment.get("WORLD_SIZE", "1") == "1":
            return cls()
        for name in VARIABLES:
            if name not in environment:
                raise _no_start(f"${name} is not set", f"$WORLD_SIZE is {shown(environment['WORLD_SIZE'])}")
        rank, size, local_rank, local_size = (_count(name, environment[name]) for name in VARIABLES[:4])
        if not (rank < size and local_rank < local_size <= size):
            told = ", ".join(f"${name} {environment[name]}" for name in VARIABLES[:4])
            raise _no_start(f"the processes are numbered wrongly: {told}")
        return cls(rank, size, local_rank, local_size)

    @property
    def is_first(self) -> bool:
        """Whether this is the one process that writes and prints."""
        return self.rank == 0

    @property
    def is_first_here(self) -> bool:
        """Whether this is the first process of its machine."""
        return self.local_rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Return the device of this process, of the kind that was chosen: each has a GPU of its own."""
        if self.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda" or device.index is not None:
            why = f"{self.size} processes cannot share it"
            raise SpecError(Problem(f"the device is {device}", why, "Use --device cuda or cpu"))
        if self.local_size > torch.cuda.device_count():
            what = (
                f"there are {self.local_size} processes on this machine for {torch.cuda.device_count()} GPUs"
            )
            fix = f"Use --nproc-per-node {torch.cuda.device_count()}, or --device cpu"
            raise SpecError(Problem(what, "each process needs its own", fix))
        torch.cuda.set_device(self.local_rank)
        return torch.device("cuda", self.local_rank)

    @contextmanager
    def join(self) -> Iterator[None]:
        """Be one of the processes, as long as the context lasts. Raises SpecError where they do not meet.

        An error that several of them have is raised in one; in the others it is OtherProcessError.
        """
        if self.size == 1:
            yield
            return
        import torch.distributed as dist
        from torch.distributed.rendezvous import rendezvous

        try:
            store, *_ = next(rendezvous("env://", self.rank, self.size, timeout=WAIT))
            # Without a name it is gloo for what is on the CPU, and nccl for what is on a GPU.
            dist.init_process_group(store=store, rank=self.rank, world_size=self.size, timeout=WAIT)
            self._talk = dist.new_group(backend="gloo", timeout=LONG)
        except (RuntimeError, ValueError) as error:
            raise _no_group(error) from None
        failed = f"failed in training {next(_NUMBERS)}"
        try:
            yield
        except OtherProcessError:
            raise
        except Exception as error:
            # Whoever is the first to note it tells it: all may have failed in the same way.
            if store.add(failed, 1) > 1:
                raise OtherProcessError from None
            if isinstance(error, dist.DistError) or "gloo" in str(error):
                why = "another one has ended, or cannot be reached any more"
                raise SpecError(Problem("the processes have lost each other", why, START_AGAIN)) from None
            raise
        finally:
            dist.destroy_process_group()
            self._talk = None

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model as training calls it; the model itself keeps its names, and has the same weights.

        Where there are several processes, its batch norms and dropouts become those of whole batches, and
        `backward` makes the gradients the mean of all processes': a loss is to be multiplied by `size`.
        """
        if self.size == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        from cnnspec.training.synchronized import Place, synchronize

        self._place = Place()
        # Running statistics are the same everywhere, since they come from whole batches: none need
        # be sent. Every weight gets a gradient at every step, so none need be searched for.
        options: dict[str, Any] = {
            "gradient_as_bucket_view": True,
            _buffers_option(DistributedDataParallel): False,
        }
        return DistributedDataParallel(synchronize(model, self._place), **options)

    def accumulating(self, wrapped: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Return the context for a part of a batch; only after the last are gradients exchanged."""
        if last or self.size == 1:
            return nullcontext()
        context: AbstractContextManager[None] = wrapped.no_sync()  # type: ignore[operator]  # DDP's
        return context

    def part(self, start: int, end: int) -> tuple[int, int]:
        """Return this process's part of the samples from `start` to `end`; parts differ by at most one."""
        each, more = divmod(end - start, self.size)
        first = start + self.rank * each + min(self.rank, more)
        return first, first + each + (self.rank < more)

    def piece(self, batch: tuple[int, int], number: int, pieces: int) -> slice:
        """Return which of this process's samples are in a piece of a batch, which is computed next.

        This process's samples begin at `batch[0]` of `batch[1]`. A piece has every so manieth sample of the
        whole batch, so the pieces are the same for any number of processes.
        """
        start, total = batch
        skipped = (number - start) % pieces
        if self._place:
            self._place.first = (start + skipped) // pieces
            self._place.total = len(range(number, total, pieces))
        return slice(skipped, None, pieces)

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum of all processes' tensors, which are of one shape; a new tensor."""
        if self.size == 1:
            return tensor
        import torch.distributed as dist

        total = tensor.detach().clone()
        dist.all_reduce(total, group=self._talk if total.device.type == "cpu" else None)
        return total

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any process."""
        return flag if self.size == 1 else bool(self.sum(torch.tensor(int(flag))))

    def broadcast(self, value: Any) -> Any:
        """Return the first process's value, of what JSON can hold; the others' values do not matter."""
        if self.size == 1:
            return value
        text = json.dumps(value).encode() if self.is_first else b""
        return json.loads(self._bytes(text))

    def broadcast_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the first process's tensors, those that come from another process on the CPU."""
        if self.size == 1:
            return dict(tensors)
        import torch.distributed as dist

        kinds = {key: [str(x.dtype).removeprefix("torch."), list(x.shape)] for key, x in tensors.items()}
        result = {}
        for key, (dtype, shape) in self.broadcast(kinds).items():
            if self.is_first:
                tensor = tensors[key].detach().cpu().contiguous()
            else:
                tensor = torch.empty(shape, dtype=getattr(torch, dtype))
            dist.broadcast(tensor.reshape(-1).view(torch.uint8), 0, group=self._talk)
            result[key] = tensor
        return result

    def same(self, value: str) -> bool:
        """Tell whether the value is the same in all processes."""
        return not self.any(self.broadcast(value) != value)

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.any(flag=False)

    @contextmanager
    def together(self) -> Iterator[None]:
        """End in all processes if the block fails in any; the first that failed raises its own error.

        The block must not talk to the other processes; it may be empty in all but one.
        """
        if self.size == 1:
            yield
            return
        failure: Exception | None = None
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever it is, the others must not wait for this one
            failure = error
        failed = torch.zeros(self.size, dtype=torch.int64)
        failed[self.rank] = int(failure is not None)
        failed = self.sum(failed)
        if failed.any():
            raise failure if failure and self.rank == int(failed.argmax()) else OtherProcessError

    @contextmanager
    def first_here(self) -> Iterator[None]:
        """Run the block in the first process of each machine, then in its others, which find its files.

        As with `together`, all end if it fails in any.
        """
        with self.together():
            if self.is_first_here:
                yield
        with self.together():
            if not self.is_first_here:
                yield

    def _bytes(self, text: bytes) -> bytes:
        """Return the first process's bytes."""
        import torch.distributed as dist

        size = torch.tensor(len(text))
        dist.broadcast(size, 0, group=self._talk)
        data = (
            torch.frombuffer(bytearray(text), dtype=torch.uint8)
            if text
            else torch.empty(int(size), dtype=torch.uint8)
        )
        dist.broadcast(data, 0, group=self._talk)
        return data.numpy().tobytes()


def _buffers_option(wrapper: type) -> str:
    """Return what torch, which has renamed it, calls the option to send buffers at each step."""
    new = "forward_sync_buffers"
    return new if new in inspect.signature(wrapper).parameters else "broadcast_buffers"


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise _no_start(f"${name} is {shown(text)}, not a number")
    return int(text)


def _no_start(what: str, why: str = "") -> SpecError:
    return SpecError(Problem(what, why or "it numbers the processes that train together", START))


def _no_group(error: Exception) -> SpecError:
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    why = f"they meet at {where}: {str(error).splitlines()[0]}"
    fix = "See that the port is free, and that every machine reaches that address"
    return SpecError(Problem("the processes cannot find each other", why, fix))
