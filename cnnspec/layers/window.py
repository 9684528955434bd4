"""What windows have in common: they must fit their input, and some fill its padding from it."""

from cnnspec.errors import RuleError
from cnnspec.layers.base import FLOAT_BYTES, Kept, per_axis
from cnnspec.shape import Shape, Window, times, volume


def padded(
    padding: int | tuple[int, ...] | str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding on each side of each axis, and what its far side has beyond that.

    ``same`` pads by d(f − 1) in all, the odd one on the far side, as PyTorch does.
    """
    if padding == "same":
        total = [d * (f - 1) for f, d in zip(kernel, dilation, strict=True)]
        return tuple(t // 2 for t in total), tuple(t % 2 for t in total)
    rank = len(kernel)
    return per_axis(0 if padding == "valid" else padding, rank, "padding"), (0,) * rank


def check_fill(mode: str, windows: tuple[Window, ...], x: Shape) -> None:
    """Raise RuleError where padding filled from the input needs more than the input has."""
    limits = {"reflect": lambda n: n - 1, "circular": lambda n: n}
    limit = limits.get(mode)
    for window in windows:
        if limit and window.p + window.extra > limit(window.n):
            what = f"padding {window.p + window.extra} is too much for the {_space(x)} input of {{layer}}"
            why = f"`{mode}` fills it from the input, which reaches {limit(window.n)}"
            raise RuleError(what, why, f"Use padding ≤ {limit(window.n)}, or zeros", "padding")


def kept_copy(mode: str, copy: Shape) -> Kept:
    """Return what autograd keeps where a copy of the input is padded first, and then convolved."""
    return Kept(input=mode in ("reflect", "replicate"), more=volume(copy) * FLOAT_BYTES)


def check_fit(windows: tuple[Window, ...], x: Shape, most_padding: int | None = None) -> None:
    """Raise RuleError where a window is larger than its padded input.

    `most_padding` is the largest padding the layer could be given instead, if there is a limit.
    """
    for window in windows:
        if window.output >= 1:
            continue
        what = f"kernel {_size(windows)} does not fit the {_space(x)} input of {{layer}}"
        why = "the output would be empty"
        if window.d > 1:
            why = f"with dilation {window.d} it spans {window.span}, and {why}"
        kernel = (window.n + 2 * window.p - 1) // window.d + 1
        padding = -(-(window.span - window.n) // 2)
        fixes = [f"kernel ≤ {kernel}"]
        if most_padding is None or padding <= most_padding:
            fixes.append(f"padding ≥ {padding}")
        raise RuleError(what, why, f"Use {', '.join(fixes)}, or drop a pool", "kernel")


def _size(windows: tuple[Window, ...]) -> str:
    sizes = [w.f for w in windows]
    return str(sizes[0]) if len(set(sizes)) == 1 else times(tuple(sizes))


def _space(x: Shape) -> str:
    return f"{x[1]}-long" if len(x) == 2 else times(x[1:])
