"""The JSON Schema takes what cnnspec takes, and refuses what a schema can."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

import cnnspec
from cnnspec.cli.new import STARTERS
from cnnspec.language import source
from cnnspec.views.schema import json_schema

ROOT = Path(__file__).parents[2]
SPECS = [*sorted((ROOT / "specs").glob("*.yaml")), *sorted((ROOT / "cnnspec" / "starters").glob("*.yaml"))]
SCHEMA = json_schema()
VALID = Draft202012Validator(SCHEMA)


def values(text: str) -> Any:
    document, problems = source.parse(text, "net.yaml")
    assert problems == []
    return document.value


def own(text: str) -> Draft202012Validator:
    """Return the validator of a file's own schema."""
    return Draft202012Validator(json_schema(cnnspec.loads(text)))


def test_is_a_schema() -> None:
    """It holds to the draft that it names, also that of a file, and survives being written as JSON."""
    for schema in (SCHEMA, json_schema(cnnspec.load(ROOT / "specs" / "resnet.yaml"))):
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        Draft202012Validator.check_schema(schema)
        assert json.loads(json.dumps(schema)) == schema


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the schemas within a schema, but not those that refuse all."""
    if schema is False:
        return
    yield schema
    for key in ("properties", "patternProperties", "$defs"):
        for one in schema.get(key, {}).values():
            yield from nodes(one)
    for key in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key])
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, []):
            yield from nodes(one)


def test_keeps_to_what_editors_know() -> None:
    """No keyword is newer than draft 7, and no `$ref` has others beside it that an editor would miss."""
    known = {
        *Draft7Validator.META_SCHEMA["properties"],
        "$defs",
        "markdownDescription",
        "patternErrorMessage",
    }
    for node in nodes(SCHEMA):
        assert node.keys() <= known
        assert "$ref" not in node or len(node) == 1


def test_tells_of_every_key() -> None:
    """Each key that can be completed has a description: those of the file, of sections and of layers."""
    for node in nodes(SCHEMA):
        for name, one in node.get("properties", {}).items():
            if one is False:
                continue
            while "$ref" in one:
                one = SCHEMA["$defs"][one["$ref"].rpartition("/")[2]]  # noqa: PLW2901  # what it stands for
            assert one.get("description"), name


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_takes_the_zoo(path: Path) -> None:
    """Every network that cnnspec comes with is valid, for its own schema too, and with its defaults filled in."""
    text = path.read_text("utf-8")
    spec = cnnspec.loads(text, file=str(path))
    for one in (values(text), json.loads(json.dumps(spec.resolved()))):
        assert [e.message for e in VALID.iter_errors(one)] == []
        assert [e.message for e in Draft7Validator(SCHEMA).iter_errors(one)] == []
        assert [e.message for e in own(text).iter_errors(one)] == []


def test_every_starter_is_tested() -> None:
    """The starters are files of the package, and all of them are among the networks above."""
    assert {path.stem for path in SPECS if path.parent.name == "starters"} == set(STARTERS)


ACCEPTED = {
    "bare": "layers: [relu]",
    "empty mapping": "layers: [relu: {}]",
    "main field": "layers: [fc: 3]",
    "one axis": "layers: [conv: {filters: 3, kernel: [3, 1], padding: same}]",
    "null default": "layers: [maxpool: {kernel: 2, stride: null}]",
    "modifiers": "layers: [{relu: {}, name: a, repeat: 2, when: index > 0}]",
    "in_channels": "layers: [conv: {filters: 2 * in_channels, kernel: 1, groups: in_channels}]",
    "calculation": "layers: [conv: {filters: 3 + 1, kernel: 1, bias: 1 > 2 or not 3 <= 2}]",
    "quoted": "layers: [conv: {filters: 'min(3, in_channels)', kernel: 1}]",
    "lists": "vars: {k: [3, 1], rows: [[1, 2], [3, 4]]}\nlayers: [conv: {filters: 'rows[1][0]', kernel: k}]",
    "words": "vars: {m: reflect}\nlayers: [conv: {filters: 1, kernel: 1, padding_mode: m}]",
    "chosen word": "vars: {m: true}\nlayers: [conv: {filters: 1, kernel: 1, padding_mode: zeros if m else reflect}]",
    "input of variables": "vars: {n: 9}\ninput: [1, n, 2 * n]\nlayers: [relu]",
    "the whole input": "vars: {n: [1, 4]}\ninput: n\nlayers: [relu]",
    "training of variables": "vars: {n: 2}\ntrain: {epochs: n * 2, optimizer: {adam: {lr: 0.01 / n}}}\nlayers: [relu]",
    "choice of a name": "train: {optimizer: sgd, schedule: cosine, loss: focal}\nlayers: [relu]",
    "choice with options": "train: {optimizer: {sgd: {}}, schedule: {step: {step_size: 2}}}\nlayers: [relu]",
    "choice of words": "vars: {n: 3}\ntrain: {schedule: cosine if n > 2 else constant}\nlayers: [relu]",
    "precision of words": "vars: {n: true}\ntrain: {precision: bf16 if n else float32}\nlayers: [relu]",
    "list of variables": "vars: {n: 3}\ntrain: {loss: {nll: {class_weights: [1, n / 2]}}}\nlayers: [relu]",
    "published weights": "train: {weights: 'torchvision:resnet50:IMAGENET1K_V2', freeze: [stem, stage.0]}\nlayers: [relu]",
    "weights in a file": "train: {weights: a/b.safetensors, freeze: []}\nlayers: [relu]",
    "scales of variables": "vars: {n: 4}\ntrain: {lr_scale: {stage: 1 / n, stem.0: 0.1}}\nlayers: [relu]",
    "nulls": "train: {clip_norm: null, loss: {focal: {class_weights: null}}}\nlayers: [relu]",
    "augment": "data: {augment: {shift: 2, rotation: 10.5}}\nlayers: [relu]",
    "folder": "data: {folder: a/b, test_share: 0.1, damaged: skip}\nlayers: [relu]",
    "arrays": "data: {arrays: a.npz}\nlayers: [relu]",
    "shards": "data: {shards: 'a-{0..9}.tar'}\nlayers: [relu]",
    "shards in parts": "data: {shards: {train: a.tar, test: b.tar}}\nlayers: [relu]",
    "share of variables": "vars: {n: 4}\ndata: {folder: n, test_share: 1 / n}\nlayers: [relu]",
    "variants": "vars: {n: 2, big: false}\nvariants: {a-1: {}, b: {n: 4, big: n > 1}}\nlayers: [relu]",
    "sequence": "layers: [sequence: [relu, conv: {filters: 3, kernel: 1}], sequence: {layers: []}]",
    "residual": "layers: [residual: {layers: [relu], shortcut: [tanh], skip: 1 > 0}]",
    "branches": "layers: [concat: [[], [relu]], add: {branches: {a: [], b: [relu]}}]",
    "block": "blocks: {b: {layers: [relu]}}\nlayers: [b, b: {}]",
    "block in block": "blocks: {a: {layers: [b]}, b: {args: {x: 2}, layers: [fc: x]}}\nlayers: [flatten, a, b: 3]",
    "argument": "blocks: {b: {args: {x: null, y: 'x * 2'}, layers: [relu]}}\nlayers: [b: 3, b: {x: [1, two]}]",
    "no normalization": "data: {normalize: null}\nname: null\nlayers: [relu]",
    "folded": "vars: {n: 2}\nlayers: [{conv: {filters: n\n      + 1, kernel: 1}}]",
}
ACCEPTED["argument"] = ACCEPTED["argument"].replace("two", "reflect")


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_takes(text: str) -> None:
    """Whatever form a valid spec has, its schema and the one of all specs take it."""
    text = text if "input:" in text else f"input: [3, 8, 8]\n{text}"
    for validator in (VALID, own(text)):
        assert [e.message for e in validator.iter_errors(values(text))] == []


REFUSED = {
    "no layers": "input: [1, 8]",
    "no input": "layers: [relu]\ninput2: [1, 8]",
    "typo at the top": "lyers: [relu]\nlayers: [relu]",
    "empty": "layers: []",
    "layers by name": "layers: {a: relu}",
    "version": "cnnspec: 2\nlayers: [relu]",
    "version in quotes": "cnnspec: '1'\nlayers: [relu]",
    "name": "name: a/b\nlayers: [relu]",
    "input of one": "input: [8]\nlayers: [relu]",
    "input of none": "input: [1, 0]\nlayers: [relu]",
    "input of words": "input: [a, b]\nlayers: [relu]",
    "unknown word": "layers: [rlu]",
    "unknown layer": "layers: [cnov: {filters: 3, kernel: 3}]",
    "unknown layer with vars": "vars: {n: 3}\nlayers: [cnov: {filters: n, kernel: 3}]",
    "unknown layer in a group": "layers: [sequence: [cnov: {filters: 3, kernel: 3}]]",
    "number": "layers: [3]",
    "list": "layers: [[relu]]",
    "nothing": "layers: [relu: ]",
    "nothing given": "layers: [fc]",
    "fields of none": "layers: [relu: 3]",
    "typo in a field": "layers: [conv: {filtres: 3, kernel: 3}]",
    "typo in an optional field": "layers: [conv: {filters: 3, kernel: 3, strid: 3}]",
    "missing field": "layers: [conv: {filters: 3}]",
    "two layers": "layers: [{relu: {}, tanh: {}}]",
    "no layer": "layers: [{name: a, repeat: 3}]",
    "unknown modifier": "layers: [{relu: {}, repaet: 3}]",
    "modifier inside": "layers: [fc: {units: 3, repeat: 3}]",
    "negative repeat": "layers: [{relu: {}, repeat: -1}]",
    "repeat half": "layers: [{relu: {}, repeat: 1.5}]",
    "repeat true": "layers: [{relu: {}, repeat: true}]",
    "when 1": "layers: [{relu: {}, when: 1}]",
    "name with a dash": "layers: [{relu: {}, name: a-b}]",
    "name of torch": "layers: [{relu: {}, name: forward}]",
    "text": "layers: [conv: {filters: 'three of them', kernel: 3}]",
    "quoted number": "layers: [conv: {filters: '3', kernel: 3}]",
    "quoted truth": "layers: [conv: {filters: 3, kernel: 3, bias: 'true'}]",
    "zero": "layers: [conv: {filters: 0, kernel: 3}]",
    "half": "layers: [conv: {filters: 1.5, kernel: 3}]",
    "truth": "layers: [conv: {filters: true, kernel: 3}]",
    "number for truth": "layers: [conv: {filters: 3, kernel: 3, bias: 1}]",
    "four axes": "layers: [conv: {filters: 3, kernel: [1, 1, 1, 1]}]",
    "axis of text": "layers: [conv: {filters: 3, kernel: [1, '1']}]",
    "word": "layers: [conv: {filters: 3, kernel: 3, padding: sme}]",
    "another field's word": "layers: [conv: {filters: 3, kernel: 3, padding_mode: same}]",
    "unknown name": "layers: [conv: {filters: width, kernel: 3}]",
    "unknown function": "vars: {n: 3}\nlayers: [fc: sqrt(n)]",
    "foreign sign": "vars: {n: 3}\nlayers: [fc: n ^ 2]",
    "no operator": "vars: {n: 3}\nlayers: [fc: 2 n]",
    "assignment": "vars: {n: 3}\nlayers: [fc: n = 2]",
    "attribute": "vars: {n: 3}\nlayers: [fc: n.real]",
    "branch": "layers: [concat: [relu]]",
    "branches": "layers: [concat: {branches: relu}]",
    "no branches": "layers: [concat: {branches: []}]",
    "named branches alone": "layers: [concat: {a: [], b: []}]",
    "branch's name": "layers: [concat: {branches: {a-b: [], c: []}}]",
    "typo in a branch": "layers: [concat: {branches: {a: [conv: {filters: 3, kernl: 1}]}}]",
    "typo in a shortcut": "layers: [residual: {layers: [relu], shortcut: [conv: {filters: 3}]}]",
    "typo of shortcut": "layers: [residual: {layers: [relu], shotcut: []}]",
    "variable of none": "vars: {n: null}\nlayers: [relu]",
    "variable of a mapping": "vars: {n: {a: 1}}\nlayers: [relu]",
    "variable with a dash": "vars: {n-1: 3}\nlayers: [relu]",
    "variable of a word": "vars: {same: 3}\nlayers: [relu]",
    "variable in quotes": "vars: {n: '3'}\nlayers: [relu]",
    "variant of a list": "vars: {n: 3}\nvariants: {a: [n]}\nlayers: [relu]",
    "block without layers": "blocks: {b: {args: {}}}\nlayers: [relu]",
    "empty block": "blocks: {b: {layers: []}}\nlayers: [relu]",
    "block of a list": "blocks: {b: [relu]}\nlayers: [relu]",
    "block like a layer": "blocks: {conv: {layers: [relu]}}\nlayers: [relu]",
    "block with a dash": "blocks: {a-b: {layers: [relu]}}\nlayers: [relu]",
    "typo in a block": "blocks: {b: {layer: [relu]}}\nlayers: [relu]",
    "typo in a block's layer": "blocks: {b: {layers: [fc: {unit: 3}]}}\nlayers: [relu]",
    "argument like a function": "blocks: {b: {args: {min: 3}, layers: [relu]}}\nlayers: [relu]",
    "argument of none": "blocks: {b: {args: {x: 3}, layers: [relu]}}\nlayers: [b: {x: null}]",
    "two blocks": "blocks: {a: {layers: [relu]}, b: {layers: [relu]}}\nlayers: [{a: {}, b: {}}]",
    "data set": "data: {dataset: mnit}\nlayers: [relu]",
    "typo in data": "data: {datset: mnist}\nlayers: [relu]",
    "two sources": "data: {dataset: mnist, folder: a}\nlayers: [relu]",
    "two of one's own": "data: {arrays: a, shards: b}\nlayers: [relu]",
    "no folder": "data: {folder: null}\nlayers: [relu]",
    "empty path": "data: {arrays: ''}\nlayers: [relu]",
    "number for shards": "data: {shards: 3}\nlayers: [relu]",
    "no shards": "data: {shards: null}\nlayers: [relu]",
    "shards for a test only": "data: {shards: {test: a}}\nlayers: [relu]",
    "share of all": "data: {folder: a, test_share: 1}\nlayers: [relu]",
    "damage": "data: {folder: a, damaged: ignore}\nlayers: [relu]",
    "mean": "data: {normalize: {mean: 1}}\nlayers: [relu]",
    "std": "data: {normalize: {mean: 1, std: 0}}\nlayers: [relu]",
    "epochs": "train: {epochs: 0}\nlayers: [relu]",
    "loss": "train: {loss: mse}\nlayers: [relu]",
    "schedule alone": "train: {schedule: step}\nlayers: [relu]",
    "schedule of none": "train: {schedule: {step: {}}}\nlayers: [relu]",
    "no schedule": "train: {schedule: {}}\nlayers: [relu]",
    "two losses": "train: {loss: {nll: {}, focal: {}}}\nlayers: [relu]",
    "loss and nothing": "train: {loss: {nll: null}}\nlayers: [relu]",
    "loss of null": "train: {loss: null}\nlayers: [relu]",
    "optimizer in a list": "train: {optimizer: [adam]}\nlayers: [relu]",
    "option beside optimizer": "train: {optimizer: {adam: {}, lr: 0.1}}\nlayers: [relu]",
    "another choice's word": "train: {schedule: adam}\nlayers: [relu]",
    "word for a number": "train: {epochs: cosine}\nlayers: [relu]",
    "class weights": "train: {loss: {nll: {class_weights: [1, -1]}}}\nlayers: [relu]",
    "no list of class weights": "train: {loss: {nll: {class_weights: 1}}}\nlayers: [relu]",
    "unknown variable in a choice": "train: {optimizer: {sgd: {lr: base / 10}}}\nlayers: [relu]",
    "unknown source": "train: {weights: 'timm:resnet50'}\nlayers: [relu]",
    "source alone": "train: {weights: torchvision}\nlayers: [relu]",
    "no file": "train: {weights: ''}\nlayers: [relu]",
    "number for weights": "train: {weights: 3}\nlayers: [relu]",
    "word for frozen": "train: {freeze: stem}\nlayers: [relu]",
    "number frozen": "train: {freeze: [3]}\nlayers: [relu]",
    "scale of 0": "train: {lr_scale: {stem: 0}}\nlayers: [relu]",
    "scale of a word": "train: {lr_scale: {stem: slow}}\nlayers: [relu]",
    "scales in a list": "train: {lr_scale: [stem]}\nlayers: [relu]",
    "optimizer": "train: {optimizer: {adm: {}}}\nlayers: [relu]",
    "learning rate": "train: {optimizer: {adam: {lr: 0}}}\nlayers: [relu]",
    "learning rate in quotes": "train: {optimizer: {adam: {lr: '1e-3'}}}\nlayers: [relu]",
    "typo in adam": "train: {optimizer: {adam: {lrr: 1}}}\nlayers: [relu]",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refuses(text: str) -> None:
    """A mistake that a schema can express is refused by it, as it is by cnnspec."""
    text = text if "input" in text else f"input: [3, 8, 8]\n{text}"
    with pytest.raises(cnnspec.SpecError):
        cnnspec.loads(text)
    assert not VALID.is_valid(values(text))


FILE = """
input: [3, 8, 8]
vars: {width: 4, mode: reflect}
variants: {small: {width: 2}}
train: {optimizer: sgd if width > 3 else adam, schedule: cosine, epochs: width}
blocks:
  unit: {args: {filters: null, kernel: 3}, layers: [conv: {filters: filters, kernel: kernel, padding: same}]}
  plain: {layers: [relu]}
layers:
  - unit: 3
  - unit: {filters: 2 * width}
    name: stage
  - plain
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("- plain", "- plian"),
        ("- plain", "- unit"),
        ("- plain", "- plain: 3"),
        ("- unit: 3", "- unti: 3"),
        ("- unit: 3", "- unit: {}"),
        ("- unit: 3", "- unit: {filters: 3, kernl: 3}"),
        ("- unit: 3", "- unit: {kernel: 3}"),
        ("2 * width", "2 * widht"),
        ("2 * width", "mdoe"),
        ("filters: filters", "filters: filtres"),
        ("{width: 2}", "{widht: 2}"),
        ("sgd if", "sdg if"),
        ("epochs: width", "epochs: cosine"),
        ("cosine", "cosin"),
    ],
)
def test_a_files_own_schema(right: str, wrong: str) -> None:
    """Made for a file, it knows its blocks, their arguments and its variables, and refuses what is none."""
    assert right in FILE
    assert own(FILE).is_valid(values(FILE))
    assert not own(FILE).is_valid(values(FILE.replace(right, wrong, 1)))


def test_own_schema_completes() -> None:
    """A file's own schema has its blocks and variables, with what they are, for an editor to offer."""
    schema = json_schema(cnnspec.loads(f"name: net\n{FILE}"))
    item = schema["$defs"]["item"]["properties"]
    assert item["unit"]["description"] == "block with filters, kernel (3)"
    assert (
        schema["properties"]["variants"]["additionalProperties"]["properties"]["width"]["description"]
        == "now 2"
    )
    assert schema["title"].startswith("cnnspec: ")
