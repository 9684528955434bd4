"""Batches hold every sample once, follow from seed and epoch, and are the same wherever the data is held."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cnnspec.data import Pictures
from cnnspec.training.batches import Batch, Batches, Drawn, bounds, fits, order
from cnnspec.training.device import available
from cnnspec.training.split import Split

COUNT = 103
ORDER_0_1 = [5, 0, 1, 4, 8, 9, 2, 3, 7, 6]
CPU = torch.device("cpu")


@pytest.fixture
def split() -> Split:
    """Inputs that are told apart by their first pixel, with labels that tell which they are."""
    numbers = torch.arange(COUNT)
    inputs = numbers.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 3, 5).contiguous()
    return Split(inputs, numbers)


def half(rank: int) -> Callable[[int, int], tuple[int, int]]:
    """The part of one of two processes."""

    def part(start: int, end: int) -> tuple[int, int]:
        middle = (start + end) // 2
        return (middle, end) if rank else (start, middle)

    return part


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    return all(
        torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(
    ("count", "size", "least", "expected"),
    [
        (6, 3, 2, [(0, 3), (3, 6)]),
        (7, 3, 2, [(0, 3), (3, 7)]),
        (8, 3, 2, [(0, 3), (3, 6), (6, 8)]),
        (8, 3, 3, [(0, 3), (3, 8)]),
        (3, 1, 2, [(0, 1), (1, 2), (2, 3)]),
        (1, 64, 2, [(0, 1)]),
        (5, 64, 8, [(0, 5)]),
    ],
)
def test_bounds(count: int, size: int, least: int, expected: list[tuple[int, int]]) -> None:
    """Only a last batch that is too short for what it must be shared among joins the one before it."""
    assert bounds(count, size, least) == expected


@pytest.mark.parametrize("resident", [True, False])
def test_every_sample_once(split: Split, resident: bool) -> None:
    """An epoch has each sample once, its input beside its label, in an order of its own."""
    batches = Batches(split, 8, seed=3, device=CPU, resident=resident)
    seen = list(batches.epoch(1))
    assert [b.step for b in seen] == list(range(len(batches)))
    labels = torch.cat([b.labels for b in seen])
    assert torch.equal(labels.sort().values, split.labels)
    assert torch.equal(torch.cat([b.inputs for b in seen])[:, 0, 1, 1].long(), labels)
    assert not torch.equal(labels, torch.cat([b.labels for b in batches.epoch(2)]))


def test_order_is_known() -> None:
    """The order follows from seed and epoch alone; this one was drawn when the format was made."""
    assert order(0, 1, 10).tolist() == ORDER_0_1
    assert order(0, 2, 10).tolist() != ORDER_0_1 != order(1, 1, 10).tolist()


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("first", [0, 1, 11, 12, 13])
def test_goes_on_at_any_step(split: Split, resident: bool, first: int) -> None:
    """From a step on, an epoch is what it would have been from its beginning; after the last one, empty."""
    batches = Batches(split, 8, seed=0, device=CPU, resident=resident)
    assert len(batches) == 13
    assert same(list(batches.epoch(5, first)), list(batches.epoch(5))[first:])


@pytest.mark.parametrize("device", available())
@pytest.mark.parametrize("part", [None, half(0), half(1)])
def test_streamed_is_resident(split: Split, part: Callable[[int, int], tuple[int, int]], device: str) -> None:
    """Data that is copied batch by batch comes as data that the device holds, and comes to the device."""
    held, streamed = (
        list(Batches(split, 8, 0, torch.device(device), resident=resident, part=part).epoch(1))
        for resident in (True, False)
    )
    assert same(held, streamed)
    assert {t.device.type for b in held + streamed for t in b if isinstance(t, Tensor)} == {device}


def test_parts_make_the_whole(split: Split) -> None:
    """The parts of two processes are the batch, each knows where it begins and what all labels are."""
    whole, first, second = (
        list(Batches(split, 8, 0, CPU, part=p).epoch(1)) for p in (None, half(0), half(1))
    )
    for batch, *parts in zip(whole, first, second, strict=True):
        assert torch.equal(torch.cat([p.inputs for p in parts]), batch.inputs)
        assert torch.equal(torch.cat([p.labels for p in parts]), batch.all_labels)
        assert [p.start for p in parts] == [0, len(parts[0].labels)]
        for part in parts:
            assert (part.step, part.total) == (batch.step, len(batch.labels))
            assert torch.equal(part.all_labels, batch.labels)


def test_streams_one_ahead(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch is computed with, the next one is under way, and no more than that one."""
    batches = Batches(split, 8, seed=0, device=CPU, resident=False)
    sent: list[Drawn] = []
    send = batches._source._send  # type: ignore[union-attr]

    def noted(batch: Drawn) -> Drawn:
        sent.append(batch)
        return send(batch)

    monkeypatch.setattr(batches._source, "_send", noted)
    for batch in batches.epoch(1):
        assert len(sent) == min(batch.step + 2, len(batches))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory needs CUDA")
def test_streams_beside_the_computation(split: Split) -> None:
    """On a GPU, copies come from pinned memory and on a stream of their own, and arrive before they are used."""
    device = torch.device("cuda")
    assert isinstance(split.inputs, Tensor)
    large = Split(split.inputs.repeat(50, 1, 200, 200), split.labels.repeat(50))
    batches = Batches(large, 64, seed=0, device=device, resident=False)
    for batch in batches.epoch(1):
        torch.cuda._sleep(1_000_000)
        assert torch.equal(batch.inputs[:, 0, 0, 0].long(), batch.labels)


def test_split_takes_the_networks_shape(digits: Tensor) -> None:
    """Pictures become inputs as `to_input` makes them, and the size is that of the whole tensors."""
    split = Split.of(Pictures(digits, torch.zeros(len(digits), dtype=torch.int64)), (3, 32, 32))
    assert isinstance(split.inputs, Tensor)
    assert split.inputs.shape == (1000, *split.shape) == (1000, 3, 32, 32)
    assert split.bytes == 1000 * (3 * 32 * 32 + 8)
    assert len(split) == 1000


def test_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU always holds the data; a GPU does where half of its free memory is enough."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 4000))
    assert fits(10**15, CPU)
    assert fits(500, torch.device("cuda"))
    assert not fits(501, torch.device("cuda"))
