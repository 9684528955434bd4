"""The tuner finds the best number of threads on a simulated machine, at little cost, and looks again in time."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cnnspec.training import threads
from cnnspec.training.threads import Fixed, Tuner, candidates

BATCH = 64


class Machine:
    """A computer whose clock goes on only with steps; `busy` cores work for others.

    A step takes one second of one core's work for each thousand, plus 20 % of it that only one thread can do.
    As soon as threads must share a core, it takes twenty times as long as one thread would.
    """

    def __init__(self, cores: int, step: float = 0.010) -> None:
        self.cores, self.step_time = cores, step
        self.busy = 0
        self.slower, self.noise = 1.0, 0.1
        self.now = 0.0
        self.threads = cores
        self.chance = random.Random(0)  # noqa: S311  # noise, no secret
        self.used: list[int] = []

    def time(self, count: int) -> float:
        """What a step takes with so many threads, but for noise."""
        quick = self.step_time * (0.2 + 0.8 / min(count, 8) + 0.02 * max(0, count - 8))
        return self.slower * (20 * self.step_time if count > self.cores - self.busy else quick)

    def work(self, samples: int = BATCH) -> None:
        """Do a step."""
        self.used.append(self.threads)
        share = 0.3 + 0.7 * samples / BATCH
        self.now += share * self.time(self.threads) * self.chance.lognormvariate(0, self.noise)

    def train(self, tuner: Tuner, steps: int, *, samples: int = BATCH) -> float:
        """Do so many steps and return the seconds they took."""
        before = self.now
        for _ in range(steps):
            self.work(samples)
            tuner.step(samples)
        return self.now - before

    def changes(self) -> int:
        """How often the number of threads changed."""
        return sum(a != b for a, b in zip(self.used, self.used[1:], strict=False))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """Make machines that torch's number of threads is set on."""

    def make(cores: int = 2, **options: float) -> Machine:
        made = Machine(cores, **options)
        monkeypatch.setattr(torch, "set_num_threads", lambda count: setattr(made, "threads", count))
        monkeypatch.setattr(torch, "get_num_threads", lambda: made.threads)
        return made

    return make


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int, str, int], None]:
    """Make this computer tell so many cores, a container's quota, and torch's own number of threads."""

    def tell(cores: int, quota: str, torchs: int) -> None:
        file = tmp_path / "cpu.max"
        if quota:
            file.write_text(f"{quota}\n")
        monkeypatch.setattr(threads, "QUOTA", file)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
        monkeypatch.setattr(torch, "get_num_threads", lambda: torchs)

    return tell


def tuner_for(machine: Machine, **options: int | list[tuple[int, int]]) -> Tuner:
    counts = sorted({2**power for power in range(machine.cores.bit_length())} | {machine.cores})
    return Tuner(counts, lambda: machine.now, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0.0005, 0.010, 1.0])
def test_takes_all_cores_of_a_quiet_machine(machine: Callable[..., Machine], step: float) -> None:
    """On a quiet machine two threads are found within the first steps, and measuring costs next to nothing."""
    two = machine(step=step)
    tuner = tuner_for(two)
    took = two.train(tuner, 1000)
    assert tuner.threads == 2
    assert tuner.choices[0] == (0, 1)
    assert [count for _, count in tuner.choices] == [1, 2]
    assert took < 1.05 * 1000 * two.time(2)
    assert two.train(tuner, 5000) < 1.03 * 5000 * two.time(2)


def test_leaves_a_busy_core_alone(machine: Callable[..., Machine]) -> None:
    """Beside a busy process one thread is kept, and trying two costs less than a few steps in a hundred."""
    two = machine()
    two.busy = 1
    tuner = tuner_for(two)
    took = two.train(tuner, 1000)
    assert tuner.choices == [(0, 1)]
    assert took < 1.05 * 1000 * two.time(1)


def test_looks_again_when_a_process_comes(machine: Callable[..., Machine]) -> None:
    """A process that becomes busy in the middle costs no more than twenty of the slow steps."""
    two = machine()
    tuner = tuner_for(two)
    two.train(tuner, 1000)
    two.busy = 1
    slow = two.time(2)
    took = two.train(tuner, 1000)
    assert tuner.threads == 1
    assert took < 20 * slow + 1000 * two.time(1)


def test_looks_again_when_a_process_has_gone(machine: Callable[..., Machine]) -> None:
    """Once a busy process has ended, two threads are used again within ten thousand steps."""
    two = machine()
    two.busy = 1
    tuner = tuner_for(two)
    two.train(tuner, 300)
    assert tuner.threads == 1
    two.busy = 0
    two.train(tuner, 10_000)
    assert tuner.threads == 2


@pytest.mark.parametrize(
    ("step", "busy", "best"), [(0.010, 0, 8), (0.010, 1, 8), (1.0, 0, 8), (0.010, 60, 4)]
)
def test_finds_its_way_among_many_cores(
    machine: Callable[..., Machine], step: float, busy: int, best: int
) -> None:
    """Of 64 cores as many are used as are fastest, found from the middle; sharing cores is given up at once."""
    large = machine(64, step=step)
    large.busy = busy
    tuner = tuner_for(large)
    large.train(tuner, 200)
    assert tuner.threads == best
    assert sum(count > large.cores - busy for count in large.used) < 25
    assert 1 not in large.used, "one thread lies far beyond the best"


def test_a_slow_machine_is_not_measured_over_and_over(machine: Callable[..., Machine]) -> None:
    """Where speed drops again and again and no number of threads helps, looks stay rare and cheap."""
    two = machine()
    tuner = tuner_for(two)
    for number in range(250):
        two.slower = 1 + 1.5 * (number % 2)
        two.train(tuner, 40)
    assert tuner.threads == 2
    assert sum(count == 1 for count in two.used) < 0.04 * len(two.used)


def test_looks_that_change_nothing_become_rare(machine: Callable[..., Machine]) -> None:
    """A machine that gets slower and slower for all is measured less and less often."""
    two = machine()
    tuner = tuner_for(two)
    two.train(tuner, 100)
    for _ in range(16):
        two.slower *= 1.6
        two.train(tuner, 50)
    assert tuner.threads == 2
    assert sum(count == 1 for count in two.used[100:]) < 0.05 * 16 * 50


def test_outliers_are_no_drop(machine: Callable[..., Machine]) -> None:
    """Single slow steps, as checkpoints make them, lead to no look: the number of threads stays."""
    two = machine()
    tuner = tuner_for(two)
    two.train(tuner, 50)
    before = two.changes()
    for _ in range(15):
        two.train(tuner, 39)
        two.now += 0.1
        two.train(tuner, 1)
    assert two.changes() == before


def test_an_outlier_while_measuring_is_chance(machine: Callable[..., Machine]) -> None:
    """One step that takes ten times as long while two threads are measured does not rule them out."""
    two = machine()
    tuner = tuner_for(two)
    two.train(tuner, 20)
    assert two.threads == 2
    two.now += 9 * two.time(2)
    two.train(tuner, 20)
    assert tuner.threads == 2


def test_equals_are_not_changed_for_each_other(
    machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two threads are no faster than one, the choice does not follow the noise."""
    two = machine()
    two.noise = 0.03
    monkeypatch.setattr(two, "time", lambda _: 0.010)
    tuner = tuner_for(two)
    two.train(tuner, 20_000)
    assert tuner.choices == [(0, 1)]


def test_short_batches_are_no_drop(machine: Callable[..., Machine]) -> None:
    """The short batch at an epoch's end takes longer per sample, and is not measured: epochs may be short."""
    two = machine()
    tuner = tuner_for(two)
    for _ in range(60):
        two.train(tuner, 5)
        two.train(tuner, 1, samples=2)
    assert tuner.threads == 2
    assert two.changes() <= 2


def test_larger_last_batch_does_not_hide_the_others(machine: Callable[..., Machine]) -> None:
    """An epoch whose last batch has one sample more is measured all the same."""
    two = machine()
    tuner = tuner_for(two)
    for _ in range(8):
        two.train(tuner, 4)
        two.train(tuner, 1, samples=BATCH + 1)
    assert tuner.threads == 2


def test_what_is_between_steps_is_not_measured(machine: Callable[..., Machine]) -> None:
    """An evaluation after each step is no part of it, however long it takes: two threads are found all the same."""
    two = machine()
    tuner = tuner_for(two)
    for _ in range(40):
        two.train(tuner, 1)
        with tuner.resting():
            two.now += 3.0
    assert tuner.threads == 2


def test_what_is_between_steps_gets_the_best_number_known(machine: Callable[..., Machine]) -> None:
    """An evaluation while a hopeless number is tried runs with the best one, and the try goes on after it."""
    two = machine()
    two.busy = 1
    tuner = tuner_for(two)
    for _ in range(200):
        two.train(tuner, 1)
        under_test = two.threads
        with tuner.resting():
            assert two.threads == 1
            two.now += 3.0
        assert two.threads == under_test
    assert 2 in two.used
    assert sum(count == 2 for count in two.used) < 10
    assert tuner.choices == [(0, 1)]


@pytest.mark.parametrize("seed", range(30))
def test_noise_does_not_mislead(machine: Callable[..., Machine], seed: int) -> None:
    """Whatever the noise of single steps is, the choice is right and, once made, stays."""
    two = machine()
    two.chance.seed(seed)
    two.busy = seed % 2
    tuner = tuner_for(two)
    two.train(tuner, 5000)
    assert tuner.threads == 2 - two.busy
    assert len(tuner.choices) == 2 - two.busy


def test_goes_on_from_what_was_recorded(machine: Callable[..., Machine]) -> None:
    """Resuming starts with the last number recorded, and counts steps on."""
    four = machine(4)
    tuner = tuner_for(four, done=700, choices=[(0, 2), (16, 4)])
    assert four.threads == 4
    four.busy = 1
    four.train(tuner, 200)
    assert tuner.choices[:2] == [(0, 2), (16, 4)]
    step, count = tuner.choices[2]
    assert (count, len(tuner.choices)) == (2, 3)
    assert 700 < step < 740


def test_goes_on_with_fewer_cores(machine: Callable[..., Machine]) -> None:
    """A number recorded on a larger machine becomes the nearest one that there is, and is recorded."""
    two = machine(2)
    assert tuner_for(two, done=50, choices=[(0, 8)]).choices == [(0, 8), (50, 2)]
    assert two.threads == 2


def test_one_candidate_is_no_choice(machine: Callable[..., Machine]) -> None:
    """With a single core there is nothing to try."""
    one = machine(1)
    tuner = tuner_for(one)
    one.train(tuner, 2000)
    assert tuner.choices == [(0, 1)]
    assert set(one.used) == {1}


def test_fixed_stays(machine: Callable[..., Machine]) -> None:
    """A fixed number is set once, recorded, and never changed; a resumed run records only another one."""
    four = machine(4)
    fixed = Fixed(3)
    for _ in range(100):
        fixed.step(BATCH)
    with fixed.resting():
        assert four.threads == fixed.threads == 3
    assert fixed.choices == [(0, 3)]
    assert Fixed(3, done=9, choices=[(0, 3)]).choices == [(0, 3)]
    assert Fixed(1, done=9, choices=[(0, 3)]).choices == [(0, 3), (9, 1)]
    assert Fixed().choices == [(0, 1)]


@pytest.mark.parametrize(
    ("told", "processes", "expected"),
    [
        ((1, "max 100000", 1), 1, [1]),
        ((2, "max 100000", 2), 1, [1, 2]),
        ((6, "max 100000", 6), 1, [1, 2, 4, 6]),
        ((64, "max 100000", 64), 1, [1, 2, 4, 8, 16, 32, 64]),
        ((64, "250000 100000", 64), 1, [1, 2, 3]),
        ((64, "5000 100000", 64), 1, [1]),
        ((8, "", 8), 2, [1, 2, 4]),
        ((8, "", 1), 2, [1, 2, 4]),
        ((8, "", 1), 1, [1]),
        ((8, "", 3), 2, [1, 2, 3]),
        ((2, "max 100000", 2), 4, [1]),
        ((8, "max 100000", 4), 1, [1, 2, 4]),
    ],
)
def test_candidates(
    computer: Callable[[int, str, int], None], told: tuple[int, str, int], processes: int, expected: list[int]
) -> None:
    """Candidates are powers of two up to what affinity, container, torch and other processes leave."""
    computer(*told)
    assert candidates(processes) == expected


def test_candidates_where_only_the_count_of_cores_is_known(
    monkeypatch: pytest.MonkeyPatch, computer: Callable[[int, str, int], None]
) -> None:
    """Systems other than Linux tell no affinity: all cores are taken to be there."""
    computer(1, "", 4)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert candidates() == [1, 2, 4]


def test_sets_torchs_threads() -> None:
    """It is torch's own number that is set."""
    before = torch.get_num_threads()
    try:
        Fixed(2)
        assert torch.get_num_threads() == 2
        Tuner([1, 2])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
