"""The spec: one file's network, data and training, checked; with every problem in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnspec.errors import Place, Problem, SpecError
from cnnspec.language import recipe, source, textfile
from cnnspec.language.arithmetic import Value
from cnnspec.language.blocks import Block
from cnnspec.language.blocks import read as read_blocks
from cnnspec.language.data import SOURCES, Data, Normalize
from cnnspec.language.document import Document
from cnnspec.language.items import Item, Scope, parse_items
from cnnspec.language.sections import MAX_NAMES, Top
from cnnspec.language.template import Unfit, filled, find
from cnnspec.language.training import Train
from cnnspec.language.validation import Context, validate
from cnnspec.language.variables import Variables
from cnnspec.language.variables import read as read_variables
from cnnspec.plugins.loading import load_installed
from cnnspec.shape import Shape

if TYPE_CHECKING:
    from cnnspec.plan import Plan


@dataclass(frozen=True, slots=True)
class Spec:
    """A checked spec, of one variant where the file has several.

    `vars` are the values of its variables. `data_given` tells whether the file itself says
    what to learn from.
    """

    name: str
    description: str
    input: Shape
    layers: tuple[Item, ...]
    data: Data
    train: Train
    document: Document
    data_given: bool = False
    vars: Mapping[str, Value] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    variant: str | None = None
    variants: tuple[str, ...] = ()

    def plan(self) -> "Plan":
        """Return the plan: every layer's shapes, parameters and MACs. Raises SpecError."""
        from cnnspec.expansion import make_plan  # a Plan is made of a Spec, so its module imports this one

        return make_plan(self)

    def overridden(
        self, *, dataset: str | None = None, settings: Mapping[str, Any] | None = None, **train: Any
    ) -> "Spec":
        """Return the spec with another data set or other values of `train`; None leaves a value.

        `lr` is the learning rate of whichever optimizer the spec has. `settings` are further
        values by their way within `train`: ``{"schedule": "cosine", "optimizer.sgd.lr": 0.1}``.
        Raises SpecError.
        """
        from cnnspec.language import overriding  # only who trains needs it

        data = self.data.model_dump(exclude_none=True)
        if dataset:
            data = {name: value for name, value in data.items() if name not in SOURCES} | {"dataset": dataset}
        new_data, problems = validate(Data, data, Document("options", []), (), "data")
        new_train, more = overriding.changed(self.train, settings or {}, train)
        if new_data is None or more:
            raise SpecError(*problems, *more)
        return replace(
            self, data=new_data, train=new_train, data_given=self.data_given or dataset is not None
        )

    def located(self, root: str | Path | None = None) -> "Spec":
        """Return the spec with absolute paths to the user's own pictures and weights.

        They are relative to the spec's file, or to the working folder where the spec comes from none.
        What a `root` holds of the pictures goes before that, as in `Data.located`.
        """
        base = "" if self.document.file.startswith("<") else str(Path(self.document.file).parent)
        data = self.data.located(base, None if root is None else str(root))
        return replace(self, data=data, train=self.train.located(base))

    def normalized(self, mean: float | tuple[float, ...], std: float | tuple[float, ...]) -> "Spec":
        """Return the spec with these statistics of its data."""
        return replace(self, data=self.data.model_copy(update={"normalize": Normalize(mean=mean, std=std)}))

    def resolved(self) -> dict[str, Any]:
        """Return the spec as plain values with every default filled in; it reads back as this spec.

        Where training begins with weights, their statistics are what pictures are normalized by, and are
        not known here.
        """
        top: dict[str, Any] = {"cnnspec": 1, "name": self.name}
        if self.description:
            top["description"] = self.description
        top["input"] = list(self.input)
        if self.vars:
            top["vars"] = dict(self.vars)
        if self.blocks:
            top["blocks"] = {name: block.resolved() for name, block in self.blocks.items()}
        top["layers"] = [item.resolved() for item in self.layers]
        here = self.located()
        return top | {
            "data": here.data.resolved(None if here.train.weights else self.input),
            "train": here.train.model_dump(exclude_none=True),
        }


def load(path: str | Path, variant: str | None = None, set: Mapping[str, Any] | None = None) -> Spec:  # noqa: A002  # the word of the command line
    """Return the spec in a file, or on standard input for ``-``.

    `variant` chooses one of the file's variants, as ``FILE@NAME`` does; the first is the
    default. `set` gives variables other values. Raises SpecError with every problem of the
    file, in order.
    """
    path, named = split_variant(path)
    text = textfile.read_text(path)
    file = "<stdin>" if str(path) == "-" else str(path)
    return loads(text, file=file, variant=variant or named, set=set)


def load_family(
    path: str | Path,
    variant: str | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002  # as in load
) -> list[Spec]:
    """Return the specs of all variants of a file, or of the one that is named; raises SpecError as `load`."""
    path, named = split_variant(path)
    text = textfile.read_text(path)
    file = "<stdin>" if str(path) == "-" else str(path)
    first = loads(text, file=file, variant=variant or named, set=set)
    others = () if variant or named else first.variants[1:]
    return [first, *(loads(text, file=file, variant=other, set=set) for other in others)]


def split_variant(path: str | Path) -> tuple[str | Path, str | None]:
    """Return file and variant of ``FILE@NAME``; where there is a file of that whole name, it is the file."""
    file, at, variant = str(path).rpartition("@")
    return (file, variant) if at and file and not Path(path).exists() else (path, None)


def loads(
    text: str,
    *,
    file: str = "<text>",
    variant: str | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002  # as in load
) -> Spec:
    """Return the spec in a text; `file` is what messages call it. Raises SpecError as `load` does."""
    load_installed()
    document, problems = source.parse(text, file)
    if problems and document.value is None:
        raise SpecError(*problems)
    spec, more = parse(document, variant, set or {})
    problems += more
    if not problems and spec:
        return spec
    if spec:
        from cnnspec.expansion import trace  # as in Spec.plan

        problems += trace(spec).problems
    raise SpecError(*problems)


def parse(
    document: Document, variant: str | None = None, given: Mapping[str, Any] | None = None
) -> tuple[Spec | None, list[Problem]]:
    """Return the spec in a document, and its problems.

    Where there are problems, the spec holds the layers before the first wrong one, so that
    their shapes can be checked all the same; it is None where not even the input is known.
    """
    value = document.value
    if value is None:
        fix = "A spec has at least `input:` and `layers:`"
        return None, [Problem("the file says nothing", "", fix, Place(document.file))]
    if not isinstance(value, dict):
        what = f"the file holds {'a list' if isinstance(value, list) else 'a single value'}, not a mapping"
        fix = "A spec has at least `input:` and `layers:`"
        return None, [Problem(what, "", fix, document.value_place(()))]
    unread = {name: value[name] for name in _NAMING if not _can_name(value.get(name, {}))}
    if unread:  # what uses the names in them would all be wrong
        least: dict[str, Any] = {"input": [1, 1], "layers": []}
        return None, validate(Top, least | unread, document, (), "the spec")[1]
    variables, wrong = read_variables(_mapping(value, "vars"), _mapping(value, "variants"), document)
    chosen = variables.choose(variant, document.file)
    values, more = ({}, []) if wrong else variables.evaluate(chosen, given or {})
    wrong += more
    blocks, problems = read_blocks(_mapping(value, "blocks"), document, variables.names)
    items: tuple[Item, ...] = ()
    if isinstance(value.get("layers"), list):
        items, more = _network(value["layers"], document, variables, blocks)
        problems += more
    top, shape, more = _top(value, document, variables.names, None if wrong else values)
    problems += [*wrong, *more]
    wrong_vars = wrong or document.holds_refused(("vars",)) or document.holds_refused(("variants",))
    if shape is None or wrong_vars or any("contains itself" in p.what for p in problems):
        return None, problems
    top = top or Top(input=shape, layers=[])
    spec = Spec(
        name=_name(top.name, chosen, document.file),
        description=top.description,
        input=shape,
        layers=items,
        data=top.data,
        train=top.train,
        document=document,
        data_given="data" in value,
        vars=values,
        blocks=blocks,
        variant=chosen,
        variants=tuple(variables.variants),
    )
    return spec, problems


_NAMING = ("vars", "variants", "blocks")
"""The sections that give names."""


def _can_name(given: Any) -> bool:
    return isinstance(given, dict) and len(given) <= MAX_NAMES


def _mapping(value: dict[str, Any], name: str) -> dict[str, Any]:
    given = value.get(name)
    return given if isinstance(given, dict) else {}


def _network(
    values: list[Any], document: Document, variables: Variables, blocks: Mapping[str, Block]
) -> tuple[tuple[Item, ...], list[Problem]]:
    """Return the items of the network itself."""
    if not values:
        fix = "List at least one layer, such as `- conv: {filters: 6, kernel: 5}`"
        return (), [Problem("layers is empty", "", fix, document.place(("layers",)))]
    signatures = {name: block.signature for name, block in blocks.items()}
    return parse_items(values, document, ("layers",), Scope(variables.names | {"in_channels"}, signatures))


def _top(
    value: dict[str, Any], document: Document, known: frozenset[str], names: Mapping[str, Value] | None
) -> tuple[Top | None, Shape | None, list[Problem]]:
    """Return the file's sections, its input's shape even where others are wrong, and the problems.

    `names` is None where the variables have no values, for a reason that is told already.
    """
    searched = {key: one for key, one in value.items() if key not in ("vars", "variants", "blocks", "layers")}
    found = find(searched, document, (), known, Top)
    if found.problems or (names is None and found.holes):
        return None, None, found.problems
    try:
        values = value | filled(searched, found.holes, names or {}, document, ())
    except Unfit as error:
        return None, None, list(error.problems)
    told = {way: hole.text for way, hole in found.holes.items()}
    top, problems = validate(Top, values, document, (), "the spec", context=Context(told=told, known=known))
    if top:
        return top, top.input, recipe.problems(top.train, document, ("train",))
    alone, _ = validate(Top, {"input": values.get("input"), "layers": []}, Document("", []), (), "")
    return None, alone.input if alone else None, problems


def _name(given: str | None, variant: str | None, file: str) -> str:
    """Return the network's name: the variant's, after the name in the file where it does not tell that."""
    if variant is None:
        return given or _stem(file)
    return variant if variant.startswith(given or "") else f"{given}-{variant}"[:64]


def _stem(file: str) -> str:
    if file.startswith("<"):  # a text, or standard input
        return "network"
    stem = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in Path(file).stem)
    return stem.lstrip(".-")[:64] or "network"
