"""What the source of a trained network has besides: weights, classes, how pictures are prepared."""

from dataclasses import dataclass

from cnnspec.language.data import Normalize
from cnnspec.shape import Shape
from cnnspec.views.source import own
from cnnspec.views.source.layout import WIDTH, Entry, call, layout_of, lines, listed
from cnnspec.views.source.notation import quoted
from cnnspec.views.source.own import Copy

DIGIT = 28
"""Height and width of MNIST's digits."""

NAMES = ("CLASSES", "MEAN", "STD", "WEIGHTS", "Path", "load", "load_file", "preprocess", "sys")
"""Names that this part of the source has."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to: the file with its weights beside the source, and what is known of them.

    `digits` tells whether pictures are made to look like MNIST's, and `logarithms` whether the network's
    outputs are logarithms of probabilities already.
    """

    run: str
    weights: str
    epoch: int
    accuracy: float | None
    classes: tuple[str, ...]
    statistics: Normalize
    digits: bool
    logarithms: bool


def code(shape: Shape, network: str, facts: Trained) -> Copy:
    """Return the code that loads the weights, prepares a picture, and tells what the network sees in it."""
    needed = [("data.digit", "as_digit")] if facts.digits else [("data.prepare", "fit_picture")]
    if facts.digits and _side(shape) != DIGIT:
        needed.append(("data.prepare", "_resize"))
    copies = own.copied(needed)
    imports = [
        "import sys",
        "import torch",
        "from pathlib import Path",
        "from PIL import Image",
        "from safetensors.torch import load_file",
        "from torch import Tensor",
    ]
    texts = [*_constants(facts), _load(network), *copies.texts, _preprocess(shape, facts), _main(facts)]
    return Copy([*imports, *copies.imports], texts)


def _constants(facts: Trained) -> list[str]:
    """Return the definitions of what the run knows."""
    score = "" if facts.accuracy is None else f", whose test accuracy is {100 * facts.accuracy:.2f} %"
    weights = lines(call("Path(__file__).with_name", Entry(quoted(facts.weights))), 0, "WEIGHTS = ")
    names = lines(listed([quoted(name) for name in facts.classes]), 0, "CLASSES = ")
    mean = lines(layout_of(facts.statistics.mean), 0, "MEAN = ")
    std = lines(layout_of(facts.statistics.std), 0, "STD = ")
    those = f"Those of epoch {facts.epoch}{score}."
    told = "Of the pixels from 0 to 1 that the network learned from; they become (pixel − mean) / std."
    return [
        "\n".join([*weights, f'"""{those}"""']),
        "\n".join([*names, '"""What the outputs stand for, in order."""']),
        "\n".join([*mean, *std, f'"""{told}"""']),
    ]


def _load(network: str) -> str:
    head = f"def load(path: str | Path = WEIGHTS) -> {network}:"
    if len(head) > WIDTH:
        head = f"def load(\n    path: str | Path = WEIGHTS,\n) -> {network}:"
    return f'''\
{head}
    """Return the network with its trained weights, ready to predict."""
    network = {network}()
    network.load_state_dict(load_file(path))
    return network.eval()'''


def _preprocess(shape: Shape, facts: Trained) -> str:
    """Return the function that makes an input of a picture, as training did."""
    size = ", ".join(map(str, (1, *shape)))
    ones = ", 1" * (len(shape) - 1)
    what = "picture of one digit" if facts.digits else "picture"
    pixels = _digit(shape) if facts.digits else f"    pixels = fit_picture(image, {shape}).unsqueeze(0)"
    return f'''\
def preprocess(image: Image.Image) -> Tensor:
    """Return a {what} as the network takes it, a tensor of ({size})."""
{pixels}
    mean, std = (torch.tensor(value).reshape(-1{ones}) for value in (MEAN, STD))
    return pixels * (1 / (255 * std)) - mean / std  # (pixels / 255 − mean) / std'''


def _digit(shape: Shape) -> str:
    """Return the lines that make the pixels of an input of a picture of a digit."""
    height, width = shape[1:] if len(shape) == 3 else (DIGIT, DIGIT)
    side = _side(shape)
    made = ["digit.unsqueeze(0)" if side == DIGIT else f"_resize(digit.unsqueeze(0), ({side}, {side}))"]
    top, left = round((side - height) / 2), round((side - width) / 2)
    if (height, width) != (side, side):
        made.append(f"pixels[..., {top}:{top + height}, {left}:{left + width}]")
    if len(shape) == 2:
        made.append(f"pixels.reshape(1, {shape[0]}, {shape[1]})")
    elif shape[0] > 1:
        made.append(f"pixels.expand(-1, {shape[0]}, -1, -1)")
    statements = "\n".join(f"    pixels = {one}" for one in made)
    return f"""\
    digit = as_digit(image)
    if digit is None:
        raise ValueError("there is nothing in the picture: all of it has one colour")
{statements}"""


def _side(shape: Shape) -> int:
    """Return the height and width to which a digit is resized."""
    return max(shape[1:]) if len(shape) == 3 else DIGIT


def _main(facts: Trained) -> str:
    shares = "exp()" if facts.logarithms else "softmax(1)"
    return f"""\
if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"Usage: python {{sys.argv[0]}} IMAGE...")
    trained = load()
    for file in sys.argv[1:]:
        with Image.open(file) as picture, torch.inference_mode():
            shares = trained(preprocess(picture)).{shares}[0]
        best = int(shares.argmax())
        print(f"{{file}}: {{CLASSES[best]}}  {{100 * shares[best]:.1f}} %")"""
