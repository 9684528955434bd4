"""What must hold before and while a network is trained, told as errors that say what to do."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cnnspec import machine
from cnnspec.catalog import DataSet
from cnnspec.data import Loaded
from cnnspec.errors import DataError, Problem, SpecError
from cnnspec.fit import data_problems
from cnnspec.language.yaml_text import to_yaml
from cnnspec.plan import Plan
from cnnspec.spec import Spec
from cnnspec.training import device as devices
from cnnspec.training.decoders import lost, workers
from cnnspec.training.processes import Processes
from cnnspec.training.reporter import Reporter
from cnnspec.training.split import bytes_ahead, bytes_as


def check_fit(spec: Spec, data_set: DataSet | None = None) -> Plan:
    """Return the plan of a spec that fits its data, as far as that is known; raises SpecError."""
    plan = spec.plan()
    problems = data_problems(plan, data_set)
    if problems:
        raise SpecError(*problems)
    return plan


def check_processes(spec: Spec, loaded: Loaded, processes: Processes) -> None:
    """Raise an error where processes cannot train together: on other specs or data, or on nothing at all."""
    if processes.size == 1:
        return
    if not processes.same(repr(loaded.hashes)):
        what = f"not all machines have the same {spec.data.name}"
        why = "one may have a sample of it" if spec.data.dataset else "files differ"
        raise DataError(Problem(what, why, "Name a folder that has it on each machine with --data-root"))
    if not processes.same(to_yaml(spec.resolved())):
        what = "the processes were started with different specs"
        raise SpecError(Problem(what, "each computes a part of the same batches", "Give all the same file"))
    batch = min(spec.train.batch_size, len(loaded.train))
    if batch < processes.size:
        what, why = f"batches of {batch} are too small for {processes.size} processes", "each needs a sample"
        place = spec.document.place(("train", "batch_size"))
        raise SpecError(Problem(what, why, f"Use a batch_size of at least {processes.size}", place))


def check_memory(
    plan: Plan, loaded: Loaded, device: torch.device, processes: Processes, *, hold: bool
) -> None:
    """Raise SpecError where a CPU's memory cannot hold data and step; a GPU's is asked for as it goes.

    `hold` says that all pictures are held in memory, and not only some batches ahead.
    """
    batch = math.ceil(min(plan.spec.train.batch_size, len(loaded.train)) / processes.size)
    available = machine.memory()
    if available is not None:
        available //= processes.local_size
    if hold:
        data = bytes_as((loaded.train, loaded.test), plan.input_shape)
    else:
        data = bytes_ahead(batch, plan.input_shape, workers(processes.local_size))
    problem = machine.training_problem(plan, batch, available, data) if device.type == "cpu" else None
    if problem:
        raise SpecError(problem)


def warn_of_slowness(plan: Plan, device: torch.device, reporter: Reporter) -> None:
    """Tell where the precision asked for is slow on the device."""
    text = devices.slow(device, plan.spec.train.precision)
    if text:
        reporter.notice(text)


@contextmanager
def torch_errors(plan: Plan) -> Iterator[None]:
    """Turn torch's errors for lack of memory, or of what compiling takes, into ones that say what to do."""
    place = plan.spec.document.place(("train", "compile"))
    with _memory_errors(plan), devices.compile_errors(place, wanted=plan.spec.train.compile):
        yield


@contextmanager
def _memory_errors(plan: Plan) -> Iterator[None]:
    """Turn torch's errors for lack of memory into one that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and lost(error):
            raise lost(error) or error from None
        if not isinstance(
            error, (MemoryError, torch.OutOfMemoryError)
        ) and "can't allocate memory" not in str(error):
            raise
        options = plan.spec.train
        what = f"there is not enough memory to train {plan.name} in batches of {options.batch_size}"
        why = str(error).splitlines()[0] if str(error) else ""
        half = max(1, options.batch_size // 2)
        parts = 2 * options.accumulate
        fix = f"Use a batch_size of {half}, or compute the same batches in parts: accumulate {parts}"
        raise SpecError(Problem(what, why, fix, plan.spec.document.place(("train", "batch_size")))) from None
