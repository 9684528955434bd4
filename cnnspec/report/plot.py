"""Charts as SVG for within a page, drawn by matplotlib; its colour of ink is that of the text around it.

Nothing of a spec or run is drawn: names of lines stand in the page, beside the picture.
"""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cnnspec.errors import CnnspecError, Problem
from cnnspec.report.charts import Chart, Scale
from cnnspec.report.inline import INK, inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (4.3, 2.8)
"""Width and height in inches, of which matplotlib makes 72 pixels each."""

FEW = 40
"""Points of a line up to which each has a dot."""

STYLE: Mapping[str, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 11,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "svg.hashsalt": "cnnspec",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def check_matplotlib() -> None:
    """Raise CnnspecError where matplotlib is not installed."""
    try:
        import matplotlib.backends.backend_svg  # noqa: F401  # that is all it is imported for
    except ImportError:
        what, why = "the curves cannot be drawn", "matplotlib is not installed"
        raise CnnspecError(Problem(what, why, "Install it: pip install 'cnnspec[report]'")) from None


def plot(chart: Chart) -> Markup:
    """Return a chart as SVG. Raises CnnspecError where matplotlib is not installed."""
    check_matplotlib()
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with style.context(["default", dict(STYLE)]):  # whatever styles the user has set
        figure = Figure(figsize=SIZE, layout="constrained")
        figure.patch.set_visible(False)
        _draw(chart, figure.add_subplot())
        stream = io.StringIO()
        FigureCanvasSVG(figure)  # which it is saved by
        figure.savefig(stream, format="svg", metadata=NO_METADATA)
    return Markup(inline(stream.getvalue(), chart.description))  # noqa: S704  # it escapes all texts


def _draw(chart: Chart, axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    axes.patch.set_visible(False)
    axes.grid(visible=True, clip_on=False)
    axes.tick_params(which="both", bottom=False, left=False)
    axes.set_axisbelow(True)
    if chart.marked is not None:
        axes.axvline(chart.marked, color=INK, linewidth=1, linestyle=(0, (1, 3)), clip_on=False)
    for curve in chart.curves:
        epochs, values = zip(*curve.points, strict=True)
        dots = "o" if len(epochs) <= FEW else ""
        dashes = (0, curve.dashes) if curve.dashes else "-"
        axes.plot(epochs, values, color=curve.color, linestyle=dashes, marker=dots, clip_on=False)
    axes.margins(x=0.03)  # so that there is no epoch 0 in short runs
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    if chart.scale == "logarithm":
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if chart.scale == "number" and min(value for curve in chart.curves for _, value in curve.points) >= 0:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value, chart.scale)))


def _number(value: float, scale: Scale) -> str:
    return f"{100 * value:.4g} %" if scale == "share" else f"{value:.4g}"
