"""apply: a picture through a network that has nothing to learn."""

import io
import math
from pathlib import Path

import click
from rich.text import Text

from cnnspec import fit
from cnnspec.cli.console import out, print_line
from cnnspec.cli.options import png_option, spec_argument
from cnnspec.errors import SpecError, one_line
from cnnspec.expansion import make_plan
from cnnspec.shape import times
from cnnspec.spec import Spec


@click.command(short_help="A picture through fixed filters, as a PNG.")
@spec_argument
@click.argument("image", metavar="IMAGE")
@png_option
@click.option(
    "--range",
    "bounds",
    nargs=2,
    type=float,
    metavar="LOW HIGH",
    help="Values that become black and white, as 0 1 for a picture that is sharpened.",
)
def apply(spec: Spec, image: str, output: Path, bounds: tuple[float, float] | None) -> None:
    """Run the network of SPEC over the picture IMAGE, and write what comes out as a picture.

    The network must have nothing to learn: image_filter, abs, square, sqrt, pooling and the like.
    It takes the picture's own size, whatever height and width the input of SPEC has, and values
    from 0 for black to 1 for white: in gray where the input has one channel, in color where it has
    three.

    In the picture that comes out, 0 is black and the largest value white. If there are values below
    0, then 0 is mid-gray, and the value furthest from it is black or white; --range chooses otherwise.
    Three channels are the colors of a picture where it was read in color. Otherwise each channel is
    shown in gray, one beside the other.
    """
    if bounds and not (math.isfinite(bounds[0]) and bounds[0] < bounds[1] < math.inf):
        raise click.BadParameter("LOW must be less than HIGH, and both finite", param_hint="--range")
    if output.exists() and Path(image).exists() and output.samefile(image):
        raise click.BadParameter("this is the picture itself, which would be lost", param_hint="--output")
    problems = fit.picture_problems(make_plan(spec))
    if problems:
        raise SpecError(*problems)
    from cnnspec.data.apply import apply as applied
    from cnnspec.data.tones import Tones, as_image, tones_for
    from cnnspec.training.files import write_whole

    values = applied(spec, image)
    tones = Tones(*bounds) if bounds else tones_for(values)
    color = spec.input[0] == len(values) == 3
    stream = io.BytesIO()
    as_image(tones.pixels(values), color=color).save(stream, "PNG", optimize=True)
    write_whole(output, stream.getvalue())
    shape = times(values.shape) + (" side by side" if len(values) > 1 and not color else "")
    low, high = (_told(float(bound)) for bound in values.aminmax())
    gray = "gray 0, " if tones.black == -tones.white else ""
    shown = f"black is {_told(tones.black)}, {gray}white {_told(tones.white)}"
    print_line(out(), Text(f"{one_line(str(output))}: {shape}, values from {low} to {high}; {shown}"))


def _told(value: float) -> str:
    """Return a value in three digits, or 0 where only rounding has made it another."""
    return f"{round(value, 6) + 0:.3g}"
