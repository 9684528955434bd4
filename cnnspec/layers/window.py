"""The rule that a window must fit its input, shared by convolution and pooling."""

from cnnspec.errors import RuleError
from cnnspec.shape import Shape, Window, times


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
