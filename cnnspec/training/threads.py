"""How many CPU threads torch uses: a fixed number, or the one that training steps themselves show is best.

More threads are faster only while the machine has cores to spare: beside another busy process, each step
waits for the thread that shares its core, and may take fifty times as long as with one thread less.
"""

import math
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux tells how much of the cores a container may use."""

WARM_UP = 3
"""Steps at the start that are not counted: torch prepares itself in them."""
FEW, ENOUGH = 4, 12
SHORT, LONG = 0.02, 0.25
"""Steps that measure a candidate, and seconds: `ENOUGH` and `SHORT`, or `FEW` and `LONG`."""
WASTE = 10
"""A candidate that wasted so many steps of the best one is given up."""
WORSE, BETTER = 1.2, 0.96
"""So much slower than the best, none beyond is tried; so much faster than the present one, it is taken."""
OUTLIER, DROP, SLOW = 6.0, 1.3, 10.0
"""No step counts more than so many; what steps take above `DROP` adds up, and `SLOW` is a drop."""
OFTEN, SELDOM = 20, 100
"""A look waits so many times what the last one wasted, after a drop and without one."""
LEAST_WASTE = 10.0
"""Steps that a look is taken to waste at least."""

ThreadCount = int | Literal["auto"]
"""What may be asked for: a number, or the best one, which a `Tuner` finds."""

Choice = tuple[int, int]
"""From which step on how many threads."""


def candidates(processes: int = 1) -> list[int]:
    """Return the numbers worth trying where so many processes train: powers of two, and the most.

    Torch's own number is a limit, as it is the user's; but to several processes torchrun gives 1, unasked.
    """
    most = max(1, _cores() // processes)
    if processes == 1 or torch.get_num_threads() > 1:
        most = min(most, torch.get_num_threads())
    return sorted({2**power for power in range(most.bit_length())} | {most})


class Fixed:
    """A number of threads that stays; None leaves torch's own."""

    def __init__(self, threads: int | None = None, *, done: int = 0, choices: Iterable[Choice] = ()) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.choices = _continued(choices, done, torch.get_num_threads())

    @property
    def threads(self) -> int:
        """How many there are."""
        return self.choices[-1][1]

    def step(self, samples: int) -> None:
        """Note that a step is done."""

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let something else than steps happen."""
        yield


class Tuner:
    """Finds the number of threads that is fastest by measuring the first steps, and looks again on a drop.

    `choices` holds what was chosen from which step on; one that goes on from a checkpoint is given
    its choices and how many steps were `done`, and starts from the last choice.
    """

    def __init__(
        self,
        candidates: Sequence[int],
        clock: Callable[[], float] = time.perf_counter,
        *,
        done: int = 0,
        choices: Iterable[Choice] = (),
    ) -> None:
        self.candidates = sorted(set(candidates))
        before = list(choices)
        # Half of the cores at first: with all of them, steps beside a busy process are slowest by far.
        first = before[-1][1] if before else max(1, self.candidates[-1] // 2)
        first = min(self.candidates, key=lambda count: _distance(count, first))
        self.choices = _continued(before, done, first)
        self._clock = clock
        self._done = done
        self._last: float | None = None
        self._largest = 0
        self._worked = 0.0  # seconds in steps
        self._waste = LEAST_WASTE  # steps that the last look took longer than with the best number
        self._work = self._tune()
        next(self._work)

    @property
    def threads(self) -> int:
        """The number that is the best as far as is known."""
        return self.choices[-1][1]

    def step(self, samples: int) -> None:
        """Note that a step of so many samples is done; the next one may get another number of threads."""
        self._done += 1
        self._largest = max(self._largest, samples)
        if self._last is not None:
            seconds = self._clock() - self._last
            self._worked += seconds
            # The rest of an epoch may be a small batch, which takes longer per sample.
            if 2 * samples > self._largest:
                self._work.send(seconds / samples)
        self._last = self._clock()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let something else than steps happen: it gets the best number of threads, and is not measured."""
        under_test = torch.get_num_threads()
        _use(self.threads)
        yield
        _use(under_test)
        self._last = self._clock()

    def _tune(self) -> Generator[None, float, None]:
        """Measure and watch by turns; each value sent is the seconds per sample of the step just done."""
        _use(self.threads)
        for _ in range(WARM_UP):
            yield
        patience = OFTEN
        while True:
            before = self.threads
            best = yield from self._measure()
            # A drop that no number of threads helps against must not be looked into again and again.
            patience = OFTEN if self.threads != before else min(2 * patience, SELDOM)
            yield from self._watch(best, patience)

    def _measure(self) -> Generator[None, float, float]:
        """Measure the candidates from the present one outwards, choose the best, and return what it takes."""
        present = self.threads
        found = {present: _mean((yield from self._try(present, math.inf)))}
        others: list[float] = []
        for count in sorted(self.candidates, key=lambda count: (_distance(count, present), count)):
            best = min(found, key=lambda count: found[count])
            if count not in found and not _beyond(count, best, found):
                times = yield from self._try(count, found[best])
                found[count] = _mean(times)
                others += times
        best = min(found, key=lambda count: found[count])
        if found[best] > BETTER * found[present]:
            best = present
        if best != present:
            self.choices.append((self._done, best))
        self._waste = max(LEAST_WASTE, sum(others) / found[best] - len(others))
        _use(best)
        return found[best]

    def _try(self, threads: int, best: float) -> Generator[None, float, list[float]]:
        """Return what steps with so many threads take; only few, if they are far from the `best`."""
        _use(threads)
        started = self._worked
        times: list[float] = []
        while True:
            times.append((yield))
            took = self._worked - started
            if took > SHORT and sum(times) > (len(times) + WASTE) * best:
                return times
            if took > SHORT and len(times) >= (FEW if took > LONG else ENOUGH):
                return times

    def _watch(self, expected: float, patience: float) -> Generator[None, float, None]:
        """Return when steps take longer than expected, or when it is time to look again."""
        waited = slow = 0.0
        while waited < SELDOM * self._waste and (slow < SLOW or waited < patience * self._waste):
            steps = (yield) / expected
            waited += steps
            slow = max(0.0, slow + min(steps, OUTLIER) - DROP)


def _cores() -> int:
    """Return the cores that this process may use."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        cores = os.cpu_count() or 1
    try:
        quota, period = map(int, QUOTA.read_text("ascii").split())
    except (OSError, ValueError):  # no control groups, or `max`: no limit
        return cores
    return max(1, min(cores, math.ceil(quota / period)))


def _continued(choices: Iterable[Choice], done: int, threads: int) -> list[Choice]:
    """Return the choices with that of now, if it is another one than the last."""
    before = [(step, count) for step, count in choices]
    return before if before and before[-1][1] == threads else [*before, (done, threads)]


def _mean(times: list[float]) -> float:
    """Return the mean of what steps took, without one slow one, which may be chance.

    The median would not do: where every fourth step takes ten times as long, the others tell nothing.
    """
    kept = sorted(times)[:-1] if len(times) >= FEW else times
    return sum(kept) / len(kept)


def _distance(one: int, other: int) -> float:
    return abs(math.log2(one / other))


def _beyond(count: int, best: int, found: dict[int, float]) -> bool:
    """Say whether a candidate on the way from the best one to `count` is clearly worse already."""
    low, high = min(count, best), max(count, best)
    return any(low < other < high and found[other] > WORSE * found[best] for other in found)


def _use(threads: int) -> None:
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
