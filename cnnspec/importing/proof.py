"""The network that was read, and the module, run with the same numbers: both must give the same."""

import warnings

import torch
from torch import Tensor, nn
from torch.func import functional_call

from cnnspec.errors import Problem, SpecError
from cnnspec.importing.imported import Imported, empty_model
from cnnspec.importing.modes import evaluating, example
from cnnspec.importing.places import last_of
from cnnspec.importing.trace import BATCH

SAMPLES = BATCH + 1
"""Another number of samples than was traced, so that none is taken for a size of the network."""
TOLERANCE = 1e-4
"""How far outputs may be from each other, beside the largest of them: sums in another order."""


def differs(module: nn.Module, spec: Imported) -> float | None:
    """Return how far the outputs are from each other, beside the largest; None for a module without numbers.

    The module is run as it evaluates, with samples of noise that are always the same.
    """
    like = example(module)
    if any(tensor.is_meta for tensor in spec.tensors.values()):
        return None
    numbers = torch.Generator().manual_seed(0)
    x = torch.randn(SAMPLES, *spec.input, generator=numbers).to(like)
    with torch.inference_mode():
        wanted = _run(module, x.clone())  # it may change its input
        output = _model(spec, like)(x)
    return _apart(output, wanted)


def _run(module: nn.Module, x: Tensor) -> Tensor:
    """Return what a module gives while it evaluates; raises SpecError where its code raises something."""
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}  # it may count its calls
    try:
        with evaluating(module, False), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they have been seen, when the module was used
            output: Tensor = functional_call(module, buffers, (x,))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # its code may raise anything, also SystemExit
        told = f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")
        what = f"the module raises {told}"
        why = f"it is given {len(x)} samples of noise, to compare it with the network that was read"
        raise SpecError(Problem(what, why, "", last_of(error))) from None
    return output


def _model(spec: Imported, like: Tensor) -> nn.Module:
    """Return the network with the module's weights, in the same memory."""
    model = empty_model(spec.plan())
    model.load_state_dict(spec.state_dict(), assign=True)
    if any(buffer.is_meta for buffer in model.buffers()):  # such as the numbers of an image_filter
        model = spec.plan().build().to(like)
        model.load_state_dict(spec.state_dict())
    return model.eval()


def _apart(output: Tensor, wanted: Tensor) -> float:
    if output.shape != wanted.shape:
        return float("inf")
    if torch.equal(output, wanted):
        return 0.0
    largest = wanted.abs().max().clamp_min(torch.finfo(wanted.dtype).tiny)
    apart = (output - wanted).abs().max() / largest
    return (
        float("inf")
        if torch.isnan(apart) and not torch.equal(output.isnan(), wanted.isnan())
        else float(apart.nan_to_num(0.0))
    )


def check(module: nn.Module, spec: Imported) -> None:
    """Raise SpecError where the network gives something else than the module."""
    apart = differs(module, spec)
    half = example(module).dtype in (torch.float16, torch.bfloat16)
    if apart is not None and apart > (0.1 if half else TOLERANCE):
        what = "the network that was read gives another output than the module"
        why = f"they are {apart:.1g} apart, beside the largest"
        fix = "If its code does nothing that torch.fx does not see, please report it together with the module"
        raise SpecError(Problem(what, why, fix))
