"""Pictures of volumes: nothing overlaps or leaves its room, whatever the network."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from drawn import (
    NAMESPACE,
    Area,
    Width,
    dejavu,
    figure,
    groups,
    overlap,
    overlapping,
    parsed,
    picture,
    segments,
    structure,
    told,
    upper_bound,
    words,
)
from hypothesis import HealthCheck, given, settings
from reference import Drawn
from strategies import specs

import cnnspec
from cnnspec.plan import Plan
from cnnspec.spec import load_family
from cnnspec.views.diagram.volumes import volumes
from cnnspec.views.drawing.svg import as_svg

SPECS = Path(__file__).parents[3] / "specs"
FILES = sorted(SPECS.glob("*.yaml"))
LONG = "input: [3, 32, 32]\nlayers:\n"
PAIR = "  - conv: {filters: 4, kernel: 1}\n  - conv: {filters: 3, kernel: 1}\n"
LINES = ("edge", "ray", "hairline")


def drawn_svg(plan: Plan, depth: int | None = None) -> str:
    return as_svg(volumes(plan, depth))


def faults(svg: str, width: Width = upper_bound) -> list[str]:
    """Return all that overlaps, leaves its room, or is crossed by a line."""
    root = parsed(svg)
    boxes, texts = [figure(group) for group in groups(root, "volume")], words(root, width)
    labels = [figure(group) for kind in ("operation", "legend") for group in groups(root, kind)]
    lines = [line for kind in LINES for line in segments(root, kind)]
    ways = segments(root, "edge")
    return [
        *(f"volumes {one!r} and {other!r} overlap" for one, other in overlapping(boxes)),
        *(f"labels {one!r} and {other!r} overlap" for one, other in overlapping(labels)),
        *(f"texts {one!r} and {other!r} meet" for one, other in overlapping(texts)),
        *(f"label {one.name!r} is on a volume" for one in labels if _met(one, boxes)),
        *(f"text {one.name!r} is on a volume" for one in texts if _met(one, boxes)),
        *(f"a way crosses volume {one.name!r}" for one in boxes if _met(one, ways)),
        *(f"a line crosses {one.name!r}" for one in (*texts, *labels) if _met(one, lines)),
        *(
            f"{one.name!r} leaves the picture"
            for one in (*texts, *boxes, *labels)
            if not one.within(picture(root))
        ),
        *_texts_outside(root, width),
    ]


def _met(one: Area, others: list[Area]) -> bool:
    return any(overlap(one, other) for other in others)


def _texts_outside(root: ET.Element, width: Width) -> Iterator[str]:
    """Yield the labels whose text is not within them."""
    for group in groups(root, "operation"):
        for text in words(group, width):
            if not text.within(figure(group)):
                yield f"{text.name!r} leaves its label"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_zoo(file: Path) -> None:
    """In the picture of each network of the zoo nothing overlaps, even in DejaVu Sans, which is wide."""
    for spec in load_family(file):
        assert faults(drawn_svg(spec.plan()), dejavu) == []


@pytest.mark.parametrize("depth", [2, 9])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_zoo_opened(file: Path, depth: int) -> None:
    """Nothing overlaps where blocks are opened, which brings branches into the picture."""
    assert faults(drawn_svg(cnnspec.load(file).plan(), depth)) == []


def test_names_are_clear_of_lines() -> None:
    """Where lines lead steeply to a small volume with a long name, or from one, the name is above them."""
    text = "input: [4, 900]\nlayers:\n  - conv: {filters: 1024, kernel: 1}\n  - global_avgpool\n  - flatten\n  - fc: 4"
    plan = cnnspec.loads(text).plan()
    assert faults(drawn_svg(plan)) == []


def test_parts_that_begin_with_merges() -> None:
    """Labels to the left of a way down, where a part begins with a merge, meet no other way."""
    inner = "residual: [depthwise_conv: {kernel: [5, 11], padding: [2, 5]}, conv: {filters: 3, kernel: 1}]"
    text = f"{LONG}  - add: [[{inner}], [{inner}], [conv: {{filters: 3, kernel: 1}}]]\n"
    assert faults(drawn_svg(cnnspec.loads(text).plan())) == []


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's, of random specs
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(specs(valid=True))
def test_random_networks(drawn: Drawn) -> None:
    """Nothing overlaps in the picture of any network, with any nesting and shapes."""
    plan = cnnspec.loads(drawn.text, variant=drawn.variant).plan()
    assert faults(drawn_svg(plan)) == []
    assert faults(drawn_svg(plan, 5)) == []


@pytest.mark.parametrize(
    "layers",
    [
        "  - conv: {filters: 3, kernel: 1}\n    repeat: 1000\n",
        PAIR * 500,
        "  - residual: [conv: {filters: 3, kernel: 1}]\n" * 400,
        f"  - concat: [{', '.join(['[conv: {filters: 2, kernel: 1}]'] * 300)}]\n",
        "  - conv: {filters: 100000, kernel: [1, 2]}\n  - global_avgpool\n  - flatten\n  - fc: 1\n",
        f"  - conv: {{filters: 3, kernel: 1}}\n    name: {'n' * 64}\n",
        "  - relu\n" * 30,
    ],
    ids=["repeated", "alternating", "residuals", "branches", "wide", "long name", "small layers"],
)
def test_size_is_bounded(layers: str) -> None:
    """However long or wide a network is, its picture can be looked at."""
    plan = cnnspec.loads(LONG + layers).plan()
    for depth in (None, 5):
        svg = drawn_svg(plan, depth)
        assert faults(svg) == []
        whole = picture(parsed(svg))
        assert whole.right < 2000
        assert whole.bottom < 5000


def test_deep_merges_are_closed() -> None:
    """Of merges within merges, those too deep inside are one operation."""
    text = "[conv: {filters: 3, kernel: 1}, relu]"
    for _ in range(12):
        text = f"[conv: {{filters: 3, kernel: 1}}, relu, residual: {text}]"
    svg = drawn_svg(cnnspec.loads(f"{LONG}  - residual: {text}\n").plan())
    assert faults(svg) == []
    assert 7 < len(groups(parsed(svg), "volume")) < 20


def test_network_without_layers() -> None:
    """A network whose layers are all left out is drawn as its input."""
    svg = drawn_svg(cnnspec.loads(LONG + "  - relu: {}\n    when: false\n").plan())
    assert len(groups(parsed(svg), "volume")) == 1
    assert faults(svg) == []


@pytest.mark.parametrize("name", ["lenet5", "unet", "conv3d"])
def test_structure(name: str, golden: Callable[[str, str], None]) -> None:
    """A picture consists of what a person has looked at."""
    golden(f"draw/{name}_volumes.txt", structure(drawn_svg(cnnspec.load(SPECS / f"{name}.yaml").plan())))


def test_hover_tells_formulas_and_totals() -> None:
    """A label tells its layer's formulas on hover, or what its repetitions come to; a volume tells its axes."""
    text = (
        LONG
        + "  - conv: {filters: 4, kernel: 3, stride: 2}\n  - conv: {filters: 4, kernel: 1}\n    repeat: 3\n"
    )
    root = parsed(drawn_svg(cnnspec.loads(text).plan()))
    first, repeated = (told(group) for group in groups(root, "operation"))
    assert first.startswith("conv1: 3×32×32 → 4×15×15\n")
    assert "⌊(32 + 2·0 − 3)/2⌋ + 1 = 15" in first
    assert "(3·3·3 + 1)·4 = 112" in first
    assert "3 times, conv2 … conv4: 4×15×15 → 4×15×15\n60 parameters" in " ".join(repeated.split(" "))
    assert told(groups(root, "volume")[1]) == "4 channels, height 15 × width 15: 900 values"


def test_texts_of_specs_are_only_text() -> None:
    """Names and descriptions do not become elements, nor do invisible characters get into the picture."""
    hostile = "</title><script>alert(1)</script>\u202e\x1b[31m"
    plain = LONG + "  - relu\n"
    text = f"description: {hostile!r}\n{plain}".replace("'", '"')
    tags = [element.tag for element in parsed(drawn_svg(cnnspec.loads(plain).plan())).iter()]
    root = parsed(drawn_svg(cnnspec.loads(text).plan()))
    more = [element.tag for element in root.iter()]
    assert sorted(more) == sorted([*tags, f"{NAMESPACE}desc", f"{NAMESPACE}text"])
    assert not re.search("[\u202e\x1b]", "".join(root.itertext()))


def test_draws_without_torch() -> None:
    """A picture is drawn without importing torch, numpy or PIL."""
    code = (
        "import sys, cnnspec; from cnnspec.views.diagram.volumes import volumes\n"
        f"volumes(cnnspec.load({str(SPECS / 'lenet5.yaml')!r}).plan())\n"
        "print(*{'torch', 'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
