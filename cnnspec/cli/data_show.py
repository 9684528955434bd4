"""data show: pictures of a data set with their classes, drawn as one picture."""

import io
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from cnnspec import fit
from cnnspec import spec as specs
from cnnspec.catalog import DATA_SETS
from cnnspec.cli.console import err, out, print_line
from cnnspec.cli.download_bar import DownloadBar
from cnnspec.cli.options import data_root_option, parse_settings, png_option, set_option, variant_option
from cnnspec.errors import Place, Problem, SpecError, did_you_mean, one_line, printable
from cnnspec.expansion import make_plan
from cnnspec.language.data import Data
from cnnspec.shape import Shape, times
from cnnspec.spec import Spec

if TYPE_CHECKING:
    from cnnspec.data import Loaded


@click.command(short_help="Pictures of a data set with their classes, as a PNG.")
@click.argument("what", metavar="NAME|SPEC")
@png_option
@click.option("--augment", is_flag=True, help="Show what the spec's augmentation makes of a picture.")
@click.option(
    "--count",
    type=click.IntRange(1, 50),
    default=10,
    show_default=True,
    metavar="N",
    help="Pictures of each class.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Number that all random draws follow from.",
)
@data_root_option
@variant_option
@set_option
def show(what: str, output: Path, *, augment: bool, count: int, seed: int, **options: Any) -> None:
    """Draw pictures of the data set NAME, or of what SPEC learns from, with the names of their classes.

    They are drawn at random from those to learn from. Those of a SPEC are as its network sees them,
    before they are normalized. With --augment there is one picture of each class, and beside it what
    the `augment` of SPEC makes of it, each time anew; pictures that are mixed tell of what.
    """
    spec = _spec(what, options["variant"], options["settings"])
    if augment:
        _check_augment(what, spec)
    loaded = _loaded(spec.located(options["data_root"]).data if spec else Data(dataset=what), options)
    shape = spec.input if spec else loaded.data_set.shape
    _write(output, _drawn(loaded, shape, spec if augment else None, count, seed))
    print_line(out(), Text(printable(f"{output}: pictures of {loaded.data_set.title}")))


def _spec(what: str, variant: str | None, settings: tuple[str, ...]) -> Spec | None:
    """Return the spec that is meant, or None for a data set; raises click.BadParameter, SpecError."""
    if what in DATA_SETS:
        return None
    if what != "-" and "/" not in what and "." not in what:
        near = did_you_mean(what, DATA_SETS) or "`cnnspec data` lists them; a spec is named as a file"
        raise click.BadParameter(f"there is no data set '{one_line(what)}'. {near}", param_hint="NAME|SPEC")
    spec = specs.load(what, variant, parse_settings(settings))
    problems = fit.data_problems(make_plan(spec))
    if problems:
        raise SpecError(*problems)
    return spec


def _check_augment(what: str, spec: Spec | None) -> None:
    if spec is None:
        why = "it is a data set, and a spec says how its pictures are changed"
        raise click.UsageError(f"--augment needs a SPEC, not '{what}': {why}")
    if spec.data.augment is None:
        fix = "Add one, such as `data: {augment: {shift: 2, flip: 0.5}}`"
        raise SpecError(Problem("there is no `augment` in `data`", "", fix, Place(spec.document.file)))


def _loaded(data: Data, options: dict[str, Any]) -> "Loaded":
    from cnnspec.data import load_data

    console = err()

    def notice(text: str) -> None:
        print_line(console, Text(printable(text)))

    with closing(DownloadBar(console)) as bar:
        return load_data(data, options["data_root"], sample=False, progress=bar.show, notice=notice)


def _drawn(loaded: "Loaded", shape: Shape, changing: Spec | None, count: int, seed: int) -> bytes:
    """Return the picture as a PNG."""
    from cnnspec.data import grid

    known, source = loaded.data_set, loaded.train
    told = (
        f"some of the {len(source):,} pictures to learn from, {len(known.classes)} classes, {_written(shape)}"
    )
    if changing and changing.data.augment:
        augment = changing.data.augment
        rows = grid.changed(source, known.classes, shape, count, seed, augment=augment)
        told = ", ".join(f"{name} {value:g}" for name, value in augment if value)
        told = f"one picture of each class, and beside it what is made of it: {told or 'nothing'}"
    else:
        rows = grid.samples(source, known.classes, shape, count, seed)
    if len(rows) < len(known.classes):
        told += f"; {len(rows)} of the classes are shown"
    stream = io.BytesIO()
    grid.draw(known.title, told, rows).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _written(shape: Shape) -> str:
    """Return a shape in ASCII, for which PIL's own font has letters."""
    return times(shape).replace("×", "x")


def _write(path: Path, data: bytes) -> None:
    from cnnspec.training.files import write_whole

    write_whole(path, data)
