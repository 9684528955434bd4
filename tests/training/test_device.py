"""Devices are found and named; precision and compilation are what was asked for, or the best."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnspec.errors import Place, SpecError
from cnnspec.training import device as devices
from cnnspec.training.device import available

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PLACE = Place("net.yaml", 7, 12)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


def broken(*_: Any) -> Callable[..., Any]:
    raise RuntimeError("No working C++ compiler found\nand more")


@pytest.mark.parametrize("name", available())
def test_each_device_is_found(name: str) -> None:
    """What is there can be chosen by its name, computes, and is described by it."""
    device = devices.choose(name)
    assert float(torch.ones(3, device=device).sum()) == 3
    assert devices.describe(device).startswith(name)
    assert devices.choose().type == available()[0]


@pytest.mark.parametrize("name", ["gpu", "cpu:x", "cuda:99", ""])
def test_unknown_devices(name: str) -> None:
    """What is not there is refused, and the message says what is."""
    with pytest.raises(SpecError, match=rf"no device '{name}' here. Use auto.* or cpu\."):
        devices.choose(name)


@pytest.mark.parametrize("name", available())
def test_bf16(network: nn.Module, name: str) -> None:
    """bf16 computes convolutions in bfloat16 and nearly the same; weights and their gradients stay float32."""
    device = devices.choose(name)
    network.to(device)
    inputs = torch.rand(8, 1, 8, 8, device=device)
    expected = network(inputs)
    with devices.autocast(device, "bf16"):
        output = network(inputs)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), expected, rtol=0.05, atol=0.05)
    output.float().sum().backward()
    assert {p.grad.dtype for p in network.parameters() if p.grad is not None} == {torch.float32}


def test_float32_is_plain(network: nn.Module) -> None:
    """float32 costs nothing: its context does nothing at all."""
    assert isinstance(devices.autocast(CPU, "float32"), nullcontext)


def test_slow_bf16_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only for bf16, and on a CPU that has no arithmetic for it, is there a warning."""
    for there in (True, False):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda there=there: there)
        assert bool(devices.slow(CPU, "bf16")) is not there
        assert not devices.slow(CPU, "float32")
        assert not devices.slow(CUDA, "bf16")


def test_compiled_has_the_same_weights(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled network shares the network's weights and mode, whose names are as before."""
    assert devices.compiled(network, wanted=False) is network
    names = list(network.state_dict())
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    network.eval()
    compiled = devices.compiled(network, wanted=True)
    inputs = torch.rand(8, 1, 8, 8)
    compiled.train()
    assert network.training
    compiled(inputs).sum().backward()
    assert list(network.state_dict()) == names
    assert all(p.grad is not None for p in network.parameters())
    assert int(network.get_buffer("1.num_batches_tracked")) == 1


def test_compile_error(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the compiler fails, or there is none, the message says so in a line, and what to do."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=broken))
    compiled = devices.compiled(network, wanted=True)
    with pytest.raises(SpecError) as caught, devices.compile_errors(PLACE, wanted=True):
        compiled(torch.rand(8, 1, 8, 8))
    assert str(caught.value).startswith("net.yaml:7:12: the network cannot be compiled; ")
    assert "No working C++ compiler found" in str(caught.value)
    assert "Install a C++ compiler, or leave `compile` out." in str(caught.value)
    assert "and more" not in str(caught.value)


@pytest.mark.parametrize("wanted", [True, False])
def test_other_errors_stay(wanted: bool) -> None:
    """What is no error of the compiler goes through."""
    with pytest.raises(RuntimeError, match="another"), devices.compile_errors(PLACE, wanted=wanted):
        raise RuntimeError("another")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="what a step waits for is CUDA's to tell")
def test_no_waiting_for_a_gpu(network: nn.Module) -> None:
    """Neither bf16 nor channels last makes the host wait for the device."""
    network.to(CUDA).to(memory_format=torch.channels_last)
    inputs: Tensor = torch.rand(8, 1, 8, 8, device=CUDA)
    network(inputs)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with devices.autocast(CUDA, "bf16"):
            network(inputs.contiguous(memory_format=torch.channels_last)).float().sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
