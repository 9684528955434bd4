"""Pictures of flow graphs: nothing overlaps or leaves its box, whatever the network, computed from the SVG."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from drawn import NAMESPACE, dejavu, groups, parsed, structure, told, upper_bound
from flow import boxes, faults
from hypothesis import HealthCheck, given, settings
from reference import Drawn
from strategies import specs

import cnnspec
from cnnspec.errors import SpecError
from cnnspec.spec import load_family
from cnnspec.views.diagram import draw
from cnnspec.views.drawing.svg import as_svg

SPECS = Path(__file__).parents[3] / "specs"
FAMILIES = sorted(SPECS.glob("*.yaml"))
DEPTHS = (None, 1, 2, 3, 99)


def picture(plan: cnnspec.Plan, depth: int | None = None) -> str:
    return as_svg(draw(plan, depth=depth))


def loaded(text: str) -> cnnspec.Plan:
    return cnnspec.loads(text).plan()


@pytest.mark.parametrize("file", FAMILIES, ids=lambda path: path.stem)
def test_zoo(file: Path) -> None:
    """In no picture of any network of the zoo anything overlaps, leaves its box, or is crossed by an edge."""
    for spec in load_family(file):
        svg = picture(spec.plan())
        assert faults(svg, upper_bound) == [], spec.name
        assert faults(svg, dejavu) == [], spec.name


@pytest.mark.parametrize("depth", DEPTHS[1:])
@pytest.mark.parametrize(
    "name", ["lenet5_1998", "resnet", "unet", "inception_v3", "shufflenet_v2", "squeezenet"]
)
def test_depths(name: str, depth: int) -> None:
    """The same holds where blocks are opened in their places."""
    assert faults(picture(cnnspec.load(SPECS / f"{name}.yaml").plan(), depth)) == []


@pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel", "ignore:Initializing zero-element"
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(specs(valid=True))
def test_random_specs(drawn: Drawn) -> None:
    """The same holds for whatever can be written."""
    try:
        plan = cnnspec.loads(drawn.text, variant=drawn.variant).plan()
    except SpecError:
        return
    for depth in DEPTHS:
        assert faults(picture(plan, depth)) == [], depth


def nested(levels: int, wrap: Callable[[str], str]) -> str:
    text = "relu"
    for _ in range(levels):
        text = wrap(text if text == "relu" else f"{{{text}}}")
    return f"input: [2, 8, 8]\nlayers:\n  - {text}"


def conv(filters: int) -> str:
    return f"conv: {{filters: {filters}, kernel: 1}}"


LONG = {letter: letter * 64 for letter in "abnwWM"}
HOSTILE = {
    "one layer": "input: [2, 8]\nlayers: [relu]",
    "no layer": "input: [2, 8]\nlayers: [{relu: {}, repeat: 0}]",
    "blocks without layers": """
input: [2, 8]
blocks: {none: {layers: [{relu: {}, when: false}]}}
layers: [none, residual: [none], add: [[none], [none]], relu]""",
    "names of 64 letters": f"""
input: [2, 8, 8]
blocks:
  {LONG["b"]}: {{args: {{{LONG["a"]}: null}}, layers: [residual: [relu], {conv(2)}, relu, maxpool: 2]}}
layers:
  - {LONG["b"]}: 4
    name: {LONG["n"]}
  - sequence: [relu, maxpool: 2]
    name: {LONG["M"]}
  - concat: {{branches: {{{LONG["W"]}: [relu], {LONG["w"]}: []}}}}""",
    "a U with branches in its arms": """
input: [8, 32, 32]
blocks:
  res: {layers: [residual: [conv: {filters: 8, kernel: 3, padding: 1}, relu], tanh]}
layers:
  - res
  - residual:
      - maxpool: 2
      - res
      - concat:
          branches:
            here: []
            low:
              - maxpool: 2
              - residual: [conv: {filters: 8, kernel: 3, padding: 1}, relu]
              - res
              - concat: [[conv: {filters: 4, kernel: 1}], [conv: {filters: 4, kernel: 3, padding: 1}]]
              - upsample: 2
      - residual: {layers: [conv: {filters: 16, kernel: 3, padding: 1}], shortcut: [conv: {filters: 16, kernel: 1}]}
      - sequence: [conv: {filters: 8, kernel: 3, padding: 1}, relu, conv: {filters: 8, kernel: 1}]
        name: smooth
      - upsample: 2
  - global_avgpool
  - flatten
  - fc: 10
""",
    "residual in residual": nested(30, lambda text: f"residual: [{text}, relu]"),
    "concat in concat": nested(15, lambda text: f"concat: [[], [{text}]]"),
    "residual in residual in concat": nested(4, lambda text: f"concat: [[residual: [residual: [{text}, {conv(2)}]]], [tanh]]"),
    "add about add": nested(12, lambda text: f"add: [[tanh], [{text}], [relu, residual: [relu]]]"),
    "blocks in blocks": "input: [2, 8]\nblocks:\n  b0: {layers: [relu, residual: [relu]]}\n"
    + "".join(f"  b{n}: {{layers: [b{n - 1}, relu]}}\n" for n in range(1, 60))
    + "layers: [b59]",
    "20,000 branches": f"input: [2, 8]\nlayers:\n  - concat: [{', '.join(['[]'] * 20_000)}]",
    "1,000 branches": f"input: [2, 8]\nlayers:\n  - concat: [{', '.join(f'[{conv(n)}]' for n in range(1, 1000))}]",
    "10,000 layers": "input: [2, 8]\nlayers:\n" + f"  - {conv(2)}\n  - relu\n" * 5_000,
    "10,000 repetitions": f"input: [2, 8]\nlayers:\n  - {conv(2)}\n    repeat: 10000",
    "10,000 that differ": "input: [2, 8]\nlayers:\n  - conv: {filters: 2 + index, kernel: 1}\n    repeat: 10000",
    "256 blocks": "input: [2, 8]\nblocks:\n"
    + "".join(f"  b{n}: {{layers: [residual: [relu], {conv(2)}]}}\n" for n in range(256))
    + f"layers: [{', '.join(f'b{n}' for n in range(256))}]",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """Whatever is nested, long or many makes a picture without faults, of bounded size."""
    plan = loaded(HOSTILE[name])
    for depth in (None, 99) if len(plan.layers) < 1000 else (None,):
        svg = picture(plan, depth)
        assert len(svg) < 2_000_000
        assert faults(svg) == [], depth


def lowered(svg: str, text: str, by: float) -> str:
    """Return a picture in which a text is further down."""
    root = parsed(svg)
    element = next(element for element in root.iter(f"{NAMESPACE}text") if element.text == text)
    element.set("y", str(float(element.get("y", "0")) + by))
    return ET.tostring(root, encoding="unicode")


def test_faults_are_found() -> None:
    """The checks see boxes that overlap, texts that leave their boxes, and edges through boxes."""
    svg = picture(cnnspec.load(SPECS / "resnet.yaml").plan())
    assert faults(svg) == []
    wider = faults(svg.replace("maxpool 3×3, stride 2", "maxpool 3×3, stride 2, and so on"))
    assert "'maxpool 3×3, stride 2, and so on' leaves its box" in wider
    assert any("leaves the picture" in fault for fault in faults(lowered(svg, "global_avgpool", 9_000)))
    assert "'512' covers 'fc 1000'" in faults(lowered(svg, "512", 20))
    label = faults(svg.replace(">64×56×56<", ">64×56×56 and whatever else is longer than its place<"))
    assert any("is written over" in fault for fault in label)
    taller = faults(svg.replace('height="28"', 'height="68"'))
    assert any("overlap" in fault for fault in taller)
    assert any("an edge goes through" in fault for fault in taller)


SMALL = {
    "branches": """
name: branches
description: A residual block with a shortcut, one without, and an inception module.
input: [8, 16, 16]
blocks:
  unit:
    args: {width: null, stride: 1}
    layers:
      - residual:
          layers:
            - conv: {filters: width, kernel: 3, stride: stride, padding: 1, bias: false}
            - batchnorm
          shortcut:
            - conv: {filters: width, kernel: 1, stride: stride}
              when: stride > 1 or in_channels != width
      - relu
layers:
  - unit: {width: 16, stride: 2}
  - unit: 16
    name: body
    repeat: 3
  - concat: {branches: {point: [conv: {filters: 4, kernel: 1}], pool: [maxpool: {kernel: 3, stride: 1, padding: 1}]}}
  - global_avgpool
  - flatten
  - fc: 10""",
    "u": """
name: u
input: [1, 16, 16]
blocks:
  twice: {args: {width: null}, layers: [conv: {filters: width, kernel: 3, padding: 1}, relu, conv: {filters: width, kernel: 3, padding: 1}]}
layers:
  - twice: 4
  - concat:
      - []
      - - maxpool: 2
        - twice: 8
        - concat: [[], [maxpool: 2, twice: 16, conv_transpose: {filters: 8, kernel: 2, stride: 2}]]
        - conv_transpose: {filters: 4, kernel: 2, stride: 2}
  - twice: 4""",
    "sequence": "name: sequence\ninput: [2, 30]\nlayers: [conv: {filters: 4, kernel: 9, stride: 4}, tanh, flatten, fc: 2]",
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    """Pictures of small networks are made of the shapes, texts and titles that a person has looked at."""
    golden(f"draw/{name}.txt", structure(picture(loaded(SMALL[name]))))


def test_unet_is_a_u() -> None:
    """What comes before the smallest maps goes down on the left, what comes after them up on the right."""
    root = parsed(picture(loaded(SMALL["u"])))
    nodes = boxes(root, "node")
    left, middle, right = (sorted({round(box.left + box.right) for box in nodes})[i] for i in (0, 1, 2))
    down = [box.name for box in nodes if round(box.left + box.right) == left]
    up = [box for box in nodes if round(box.left + box.right) == right]
    rising = [box.name for box in sorted(up, key=lambda box: -box.top)]
    assert down == ["input", "twice", "maxpool 2×2", "twice", "maxpool 2×2"]
    assert [box.name for box in nodes if round(box.left + box.right) == middle] == ["twice"]
    ups = [f"conv_transpose 2×2, {filters}, stride 2" for filters in (8, 4)]
    assert rising == [ups[0], "concat", ups[1], "concat", "twice", "output"]


def test_same_text_every_time() -> None:
    """A network has the same picture each time it is drawn."""
    one, other = (picture(cnnspec.load(SPECS / "mobilenet_v3.yaml").plan()) for _ in range(2))
    assert one == other


def test_titles_tell_the_formulas() -> None:
    """A box tells shapes, parameters and MACs with their formulas on hover, and a block their totals."""
    root = parsed(picture(loaded(SMALL["branches"])))
    titles = [told(group).split("\n") for group in groups(root, "node")]
    fc = next(lines for lines in titles if lines[0].startswith("fc1: "))
    assert fc[0] == "fc1: 20 → 10"
    assert "parameters: (inputs + 1)·units = (20 + 1)·10 = 210" in fc
    body = next(lines for lines in titles if lines[0].startswith("body.0"))
    assert body == [
        "body.0 … body.2: 16×8×8 → 16×8×8",
        f"{3 * (16 * 16 * 9 + 32):,} parameters",
        "442,368 MACs",
    ]
    plus = [lines for lines in titles if lines == ["body.0.residual1: 16×8×8 + 16×8×8 → 16×8×8"]]
    assert len(plus) == 1
