"""A network as the text of a Python file that needs torch only."""

import ast
import textwrap
from collections.abc import Sequence
from pathlib import Path

from cnnspec import __version__
from cnnspec.errors import printable
from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.source import own
from cnnspec.views.source.classes import definitions
from cnnspec.views.source.identifiers import ClassNames
from cnnspec.views.source.layout import WIDTH
from cnnspec.views.source.writing import class_lines

SEQUENTIAL = '''\
def sequential(**layers: nn.Module) -> nn.Sequential:
    """Return the layers in a row, each under its name."""
    return nn.Sequential(OrderedDict(layers))'''

TRY = """\
if __name__ == "__main__":
    network = {network}().eval()
    with torch.inference_mode():
        output = network(torch.zeros({zeros}))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(f"output {{tuple(output.shape)}}, {{parameters:,}} parameters")"""

_IMPORTS = {
    "OrderedDict": "from collections import OrderedDict",
    "math": "import math",
}
"""What the names that we write mean, beside torch's."""


def as_source(plan: Plan) -> str:
    """Return the source of a network: a file that imports torch, and nothing of cnnspec.

    Its `state_dict` keys are the model's, and under the same seed so are its first weights.
    Raises SpecError where a layer cannot be written as source.
    """
    class_names = ClassNames(own.classes())
    found = definitions(plan, class_names)
    classes = {definition.name: definition for definition in found}
    texts = ["\n".join(class_lines(definition, classes)) for definition in found]
    used = _names("\n".join(texts))
    imports, copies = own.copied(used)
    helpers = [SEQUENTIAL] if "sequential" in used else []
    if "make_divisible" in used:
        helpers.append(own.function("make_divisible"))
    zeros = ", ".join(map(str, (1, *plan.input_shape)))
    tried = TRY.format(network=found[-1].name, zeros=zeros)
    body = [*helpers, *copies, *texts, tried]
    used = _names("\n".join(body))
    imports += [line for name, line in _IMPORTS.items() if name in used]
    imports += [
        "import torch",
        "from torch import nn",
        *(["from torch import Tensor"] if "Tensor" in used else []),
    ]
    return "\n\n\n".join(["\n".join([_header(plan), "", *_sorted(imports)]), *body]) + "\n"


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _header(plan: Plan) -> str:
    """Return the docstring of the file."""
    spec = plan.spec
    file = spec.document.file
    origin = "" if file.startswith("<") else f" from {Path(file).name}"
    variant = f", variant {spec.variant}" if spec.variant else ""
    lines = [f"{spec.name} in PyTorch, written by cnnspec {__version__}{origin}{variant}.", ""]
    for paragraph in spec.description.split("\n\n"):
        words = " ".join(paragraph.split())
        lines += [*textwrap.wrap(words, WIDTH, break_on_hyphens=False), *([""] if words else [])]
    lines += [
        f"Input       {times(plan.input_shape)}",
        f"Output      {times(plan.output_shape)}",
        f"Parameters  {plan.params:,}",
        f"MACs        {plan.macs:,} for one input",
    ]
    text = printable("\n".join(lines)).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{text}\n"""'


def _sorted(imports: Sequence[str]) -> list[str]:
    """Return lines of imports, each module once, Python's own before torch's, as isort sorts them."""
    plain = sorted({line for line in imports if line.startswith("import ")})
    members: dict[str, set[str]] = {}
    for line in imports:
        if line.startswith("from "):
            _, module, _, name = line.split(" ", 3)
            members.setdefault(module, set()).add(name)
    froms = [
        f"from {module} import {', '.join(sorted(names, key=_rank))}"
        for module, names in sorted(members.items())
    ]
    every = [*plain, *froms]
    torch = [line for line in every if line.split()[1].partition(".")[0] == "torch"]
    first = [line for line in every if line not in torch]
    return [*first, *([""] if first else []), *torch]


def _rank(name: str) -> tuple[bool, bool, str]:
    """Return what isort sorts members by: constants, classes, then others."""
    return not name.isupper() or len(name) < 2, name[:1].islower(), name
