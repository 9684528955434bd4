"""The spec: one file's network, data and training, checked; with every problem in its place."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnspec import source, textfile
from cnnspec.errors import Place, Problem, SpecError
from cnnspec.items import Item, parse_items
from cnnspec.sections import Data, Top, Train
from cnnspec.shape import Shape
from cnnspec.source import Document
from cnnspec.validation import validate

if TYPE_CHECKING:
    from cnnspec.plan import Plan


@dataclass(frozen=True, slots=True)
class Spec:
    """A checked spec. `data_given` tells whether the file itself says what to learn from."""

    name: str
    description: str
    input: Shape
    layers: tuple[Item, ...]
    data: Data
    train: Train
    document: Document
    data_given: bool = False

    def plan(self) -> "Plan":
        """Return the plan: every layer's shapes, parameters and MACs. Raises SpecError."""
        from cnnspec.plan import make_plan  # a Plan is made of a Spec, so its module imports this one

        return make_plan(self)

    def overridden(self, *, dataset: str | None = None, **train: Any) -> "Spec":
        """Return the spec with another data set or other values of `train`; None leaves a value.

        `lr` is the learning rate of whichever optimizer the spec has. Raises SpecError.
        """
        given = {name: value for name, value in train.items() if value is not None}
        values = self.train.model_dump() | given
        if "lr" in given:
            lr = values.pop("lr")
            values["optimizer"] = {name: o | {"lr": lr} for name, o in values["optimizer"].items()}
        data = self.data.model_dump() | ({"dataset": dataset} if dataset else {})
        options = Document("options", [])
        new_data, problems = validate(Data, data, options, (), "data")
        new_train, more = validate(Train, values, options, (), "train")
        if new_data is None or new_train is None:
            raise SpecError(*problems, *more)
        return replace(
            self, data=new_data, train=new_train, data_given=self.data_given or dataset is not None
        )

    def resolved(self) -> dict[str, Any]:
        """Return the spec as plain values with every default filled in; it reads back as this spec."""
        top: dict[str, Any] = {"cnnspec": 1, "name": self.name}
        if self.description:
            top["description"] = self.description
        data = self.data.model_copy(update={"normalize": self.data.statistics()})
        sections = {"data": data.model_dump(), "train": self.train.model_dump()}
        return (
            top | {"input": list(self.input), "layers": [item.resolved() for item in self.layers]} | sections
        )


def load(path: str | Path) -> Spec:
    """Return the spec in a file, or on standard input for ``-``.

    Raises SpecError with every problem of the file, in order.
    """
    text = textfile.read_text(path)
    return loads(text, file="<stdin>" if str(path) == "-" else str(path))


def loads(text: str, *, file: str = "<text>") -> Spec:
    """Return the spec in a text; `file` is what messages call it. Raises SpecError as `load` does."""
    document, problems = source.parse(text, file)
    spec, more = parse(document) if not problems or document.value is not None else (None, [])
    problems += more
    if not problems and spec:
        return spec
    if spec:
        from cnnspec.plan import trace  # as in Spec.plan

        problems += trace(spec).problems
    raise SpecError(*problems)


def parse(document: Document) -> tuple[Spec | None, list[Problem]]:
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
    top, problems = validate(Top, value, document, (), "the spec")
    items: tuple[Item, ...] = ()
    if isinstance(value.get("layers"), list):
        items, more = parse_items(value["layers"], document, ("layers",))
        problems += more
    shape = top.input if top else _input_alone(value)
    if shape is None:
        return None, problems
    top = top or Top(input=shape, layers=[])
    name = top.name or _name_of(document.file)
    return Spec(name, top.description, shape, items, top.data, top.train, document, "data" in value), problems


def _input_alone(value: dict[str, Any]) -> Shape | None:
    """Return the input's shape from a file that is wrong elsewhere."""
    top, _ = validate(Top, {"input": value.get("input"), "layers": []}, Document("", []), (), "")
    return top.input if top else None


def _name_of(file: str) -> str:
    if file.startswith("<"):  # a text, or standard input
        return "network"
    stem = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in Path(file).stem)
    return stem.lstrip(".-")[:64] or "network"
