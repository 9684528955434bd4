"""A network as the text of a Python file that needs torch only."""

import ast
import textwrap
from itertools import pairwise
from pathlib import Path

from cnnspec import __version__
from cnnspec.errors import printable
from cnnspec.plan import Plan
from cnnspec.shape import times
from cnnspec.views.source import own, trained
from cnnspec.views.source.classes import definitions
from cnnspec.views.source.foreign import foreign_classes
from cnnspec.views.source.foreign import imports as foreign_imports
from cnnspec.views.source.identifiers import ClassNames
from cnnspec.views.source.imports import import_lines
from cnnspec.views.source.layout import WIDTH
from cnnspec.views.source.trained import Trained
from cnnspec.views.source.writing import class_lines

SEQUENTIAL = '''\
def sequential(**layers: nn.Module) -> nn.Sequential:
    """Return the layers in a row, each under its name."""
    return nn.Sequential(OrderedDict(layers))'''

TRIAL = """\
if __name__ == "__main__":
    network = {network}().eval()
    with torch.inference_mode():
        output = network(torch.zeros({zeros}))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(f"output {{tuple(output.shape)}}, {{parameters:,}} parameters")"""

_IMPORTS = {
    "OrderedDict": "from collections import OrderedDict",
    "Tensor": "from torch import Tensor",
    "math": "import math",
    "nn": "from torch import nn",
    "torch": "import torch",
}
"""Lines that import what we write ourselves."""


def as_source(plan: Plan, facts: Trained | None = None) -> str:
    """Return the source of a network: a file that imports torch, and nothing of cnnspec.

    Its `state_dict` keys are the model's, and under the same seed so are its first weights. With the `facts`
    of a run, it loads the run's weights and prepares pictures as the run did, too. Layers of plugins are
    imported from the plugin's own module. Raises SpecError where a layer cannot be written as source.
    """
    class_names = ClassNames([*own.names(), *trained.NAMES, *_IMPORTS])
    foreign = foreign_classes(plan, class_names)
    found = definitions(plan, class_names, foreign)
    classes = {definition.name: definition for definition in found}
    texts = ["\n".join(class_lines(definition, classes, class_names.taken)) for definition in found]
    used = _names(texts)
    helpers = [SEQUENTIAL] if "sequential" in used else []
    functions = own.copied([("language.arithmetic", "make_divisible")] if "make_divisible" in used else [])
    copies = own.modules(used)
    imports = [*foreign_imports(foreign), *copies.imports]
    if facts is None:
        zeros = ", ".join(map(str, (1, *plan.input_shape)))
        last = [TRIAL.format(network=found[-1].name, zeros=zeros)]
    else:
        using = trained.code(plan.input_shape, found[-1].name, facts)
        last = using.texts
        imports += using.imports
    body = [*helpers, *functions.texts, *copies.texts, *texts, *last]
    imports += [line for name, line in _IMPORTS.items() if name in _names(body)]
    return _joined(["\n\n".join([_header(plan, facts), import_lines(imports)]), *body])


def _names(texts: list[str]) -> set[str]:
    return {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _joined(texts: list[str]) -> str:
    """Return pieces of a file as one, constants nearer to each other than what is long."""
    joined = texts[0]
    for before, text in pairwise(texts):
        near = all(isinstance(ast.parse(one).body[0], ast.Assign) for one in (before, text))
        joined += ("\n\n" if near else "\n\n\n") + text
    return f"{joined}\n"


def _header(plan: Plan, facts: Trained | None) -> str:
    """Return the docstring of the file."""
    spec = plan.spec
    file = spec.document.file
    origin = "" if file.startswith("<") else f" from {' '.join(Path(file).name.split())}"
    if facts:
        origin = f" from the run {' '.join(facts.run.split())}"
    variant = f", variant {spec.variant}" if spec.variant else ""
    lines = [f"{spec.name} in PyTorch.", "", f"Written by cnnspec {__version__}{origin}{variant}.", ""]
    for paragraph in spec.description.split("\n\n"):
        words = textwrap.wrap(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False)
        lines += [*words, ""] if words else []
    lines += [
        f"Input       {times(plan.input_shape)}",
        f"Output      {times(plan.output_shape)}",
        f"Parameters  {plan.params:,}",
        f"MACs        {plan.macs:,} for one input",
    ]
    text = printable("\n".join(lines)).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{text}\n"""'
