"""What is drawn of a network as volumes: the maps whose shape changes, and how they are made."""

from pathlib import Path

import pytest

import cnnspec
from cnnspec.shape import times
from cnnspec.views.diagram.volumes.model import Fork, Row, Volume
from cnnspec.views.diagram.volumes.reading import read

SPECS = Path(__file__).parents[3] / "specs"


def told(row: Row) -> list[str]:
    """Return a line for each volume; those of a fork's parts are indented."""
    lines: list[str] = []
    for element in row:
        if isinstance(element, Fork):
            for part in element.parts:
                lines += [f"  {line}" for line in told(part)] or ["  the input"]
            lines.append(_told(element.merged))
        else:
            lines.append(_told(element))
    return lines


def _told(volume: Volume) -> str:
    operations = [
        one.label + (f" ×{len(one.steps) // volume.times}" if len(one.steps) > volume.times else "")
        for one in volume.operations
    ]
    made = ", ".join(operations) + (f" ×{volume.times}" if volume.times > 1 else "")
    return f"{times(volume.shape)} {made}".rstrip()


def lines(layers: str, depth: int | None = None, blocks: str = "") -> list[str]:
    text = f"input: [3, 16, 16]\n{blocks}layers:\n" + "".join(f"  - {line}\n" for line in layers.split("; "))
    return told(read(cnnspec.loads(text).plan(), depth))[1:]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("conv: {filters: 4, kernel: 3}; batchnorm; relu", ["4×14×14 conv 3×3, batchnorm, relu"]),
        ("conv: {filters: 3, kernel: 1}; relu; flatten", ["3×16×16 conv 1×1, relu", "768 flatten"]),
        ("maxpool: {kernel: 3, stride: 1, padding: 1}", []),
        ("maxpool: {kernel: 3, stride: 2}; avgpool: 2", ["3×7×7 maxpool 3×3, s2", "3×3×3 avgpool 2×2"]),
        ("conv: {filters: 4, kernel: [1, 5], stride: [1, 2]}", ["4×16×6 conv 1×5, s1×2"]),
        ("image_filter: sobel_x; zero_pad: 1", ["3×16×16 sobel_x", "3×18×18 zero_pad"]),
        (
            "global_avgpool; flatten; fc: 3; dropout: 0.5",
            ["3×1×1 global_avgpool", "3 flatten", "3 fc, dropout"],
        ),
    ],
    ids=[
        "told with it",
        "convolution is one",
        "nothing changes",
        "steps",
        "per axis",
        "filter's name",
        "vectors",
    ],
)
def test_layers(layers: str, expected: list[str]) -> None:
    """A layer that changes the shape, a convolution and fc make a volume; others are told with the one before."""
    assert lines(layers) == expected


def test_small_layers_of_the_input() -> None:
    """What leaves the input's shape is told with the input."""
    assert told(read(cnnspec.loads("input: [3, 8, 8]\nlayers: [batchnorm, relu]").plan())) == [
        "3×8×8 batchnorm, relu"
    ]


BLOCKS = """blocks:
  plain:
    args: {filters: 4}
    layers: [conv: {filters: filters, kernel: 3, padding: 1}, relu]
  unit:
    layers: [residual: [conv: {filters: in_channels, kernel: 1}, relu], relu]
  stage:
    layers: [plain: {filters: 2 * in_channels}, {unit: {}, repeat: 2}, maxpool: 2]
"""


@pytest.mark.parametrize(
    ("layers", "depth", "expected"),
    [
        ("plain", None, ["4×16×16 conv 3×3, relu"]),
        ("{plain: {}, repeat: 3}", None, ["4×16×16 conv 3×3, relu ×3"]),
        ("plain; plain", None, ["4×16×16 conv 3×3, relu ×2"]),
        ("unit; relu", None, ["3×16×16 unit, relu"]),
        ("{unit: {}, repeat: 3}", None, ["3×16×16 unit ×3"]),
        ("stage", None, ["6×16×16 conv 3×3, relu", "6×16×16 unit ×2", "6×8×8 maxpool 2×2"]),
        ("stage", 1, ["6×8×8 stage"]),
        ("plain; unit", 1, ["4×16×16 plain", "4×16×16 unit"]),
        ("{unit: {}, name: both, repeat: 2}", 1, ["3×16×16 unit ×2"]),
        ("unit", 3, ["  3×16×16 layers", "  the input", "3×16×16 residual, relu"]),
        ("unit", 9, ["  3×16×16 conv 1×1, relu", "  the input", "3×16×16 residual, relu"]),
    ],
)
def test_blocks(layers: str, depth: int | None, expected: list[str]) -> None:
    """Blocks that merge nothing are opened, others are one volume; repetitions of both are one."""
    assert lines(layers, depth, BLOCKS) == expected


CONV = "conv: {filters: 3, kernel: 1}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (f"add: [[], [{CONV}]]", ["  the input", "  3×16×16 conv 1×1", "3×16×16 add"]),
        (
            f"concat: [[], [maxpool: 2, {CONV}, upsample: 2]]; relu",
            ["  the input", "  3×8×8 maxpool 2×2", "  3×8×8 conv 1×1", "6×16×16 upsample, concat, relu"],
        ),
        (f"add: [[sigmoid], [{CONV}]]", ["  3×16×16 sigmoid", "  3×16×16 conv 1×1", "3×16×16 add"]),
        (
            f"concat: [[], [residual: [{CONV}, relu, {CONV}]]]",
            [
                "  the input",
                "    3×16×16 conv 1×1, relu",
                "    the input",
                "  3×16×16 conv 1×1, residual",
                "6×16×16 concat",
            ],
        ),
        ("concat: [[], []]", ["6×16×16 concat"]),
        ("concat: [[relu], [relu], [relu], [relu], [relu]]; relu", ["15×16×16 concat of 5, relu"]),
        (f"residual: {{layers: [{CONV}], skip: false}}; relu", ["3×16×16 conv 1×1, relu"]),
    ],
    ids=[
        "one part",
        "last goes with the merge",
        "two parts",
        "nested",
        "copies",
        "many parts",
        "no shortcut",
    ],
)
def test_merges(layers: str, expected: list[str]) -> None:
    """Merges of the network's own list have a row for each part, unless there are too many."""
    assert lines(layers) == expected


def test_copied_channels_are_told_apart() -> None:
    """A map that is copied and put before another keeps its place in the volume: first, and pale."""
    *_, fork = read(cnnspec.loads(f"input: [5, 8, 8]\nlayers: [concat: [[], [{CONV}, relu, {CONV}]]]").plan())
    assert isinstance(fork, Fork)
    assert fork.merged.bands == ((5, "input"), (3, "convolution"))


def test_long_networks_fold_what_is_alike() -> None:
    """In a long network neighbours that are alike are one volume, even if written apart; vectors are not."""
    short = f"{CONV}; {CONV}; maxpool: 2; flatten; fc: 5; fc: 5"
    assert lines(short).count("3×16×16 conv 1×1") == 2
    grown = "; ".join([f"conv: {{filters: {n}, kernel: 1}}" for n in range(4, 16)])
    assert lines(f"{short.replace('flatten', grown + '; flatten')}")[:2] == [
        "3×16×16 conv 1×1 ×2",
        "3×8×8 maxpool 2×2",
    ]
    assert lines(f"{grown}; {short}")[-2:] == ["5 fc", "5 fc"]


def test_middle_of_a_very_long_network_is_one_volume() -> None:
    """Of very many volumes the first and the last are drawn, and one that stands for all between."""
    many = lines("; ".join(f"conv: {{filters: {3 + n % 2}, kernel: 1}}" for n in range(1, 500)))
    assert len(many) < 41
    assert "… 461 more" in many[19]


def test_zoo() -> None:
    """Networks are told as their papers' figures draw them."""
    assert told(read(cnnspec.load(SPECS / "vgg.yaml", variant="vgg16").plan()))[:5] == [
        "3×224×224",
        "64×224×224 conv 3×3, relu ×2",
        "64×112×112 maxpool 2×2",
        "128×112×112 conv 3×3, relu ×2",
        "128×56×56 maxpool 2×2",
    ]
    assert told(read(cnnspec.load(SPECS / "resnet.yaml", variant="resnet50").plan())) == [
        "3×224×224",
        "64×112×112 conv 7×7, s2, batchnorm, relu",
        "64×56×56 maxpool 3×3, s2",
        "256×56×56 bottleneck ×3",
        "512×28×28 bottleneck ×4",
        "1024×14×14 bottleneck ×6",
        "2048×7×7 bottleneck ×3",
        "2048×1×1 global_avgpool",
        "2048 flatten",
        "1000 fc",
    ]


def test_ends_are_noted() -> None:
    """Input and output are called so, and after the data set where the spec names one."""
    first, *_, last = read(cnnspec.load(SPECS / "lenet5.yaml").plan())
    assert isinstance(first, Volume)
    assert isinstance(last, Volume)
    assert (first.note, last.note) == ("input: mnist", "output: 10 classes")
    first, last = read(cnnspec.loads("input: [1, 4, 4]\nlayers: [flatten]").plan())
    assert isinstance(first, Volume)
    assert isinstance(last, Volume)
    assert (first.note, last.note) == ("input", "output")
