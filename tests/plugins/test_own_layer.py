"""The example of an own layer is installed by pip, and used like what is built in; or named, without that."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from plugin_fixtures import OWN_LAYER
from tiny_run import SPEC, write_pictures

DIGIT = OWN_LAYER.parent / "digit.png"
PLUGIN = "own_layer.layers"
SETTINGS = (OWN_LAYER / "pyproject.toml").read_text("utf-8")

RUN = """
import contextlib, io, json, sys
from cnnspec.cli import run
told = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    told.append([code, out.getvalue(), err.getvalue(), "torch" in sys.modules])
print(json.dumps(told))
"""
"""Runs commands one after the other in a process of their own."""


class Told(NamedTuple):
    """What a command said, and whether torch was imported then."""

    code: int
    out: str
    err: str
    torch: bool


class Place(NamedTuple):
    """A folder with a spec, and what a process has to be told to find the plugin there."""

    folder: Path
    env: dict[str, str]
    options: tuple[str, ...]

    def run(self, *commands: list[Any], plain: bool = False) -> list[Told]:
        """Run commands in one process; `plain` ones without the options."""
        lines = [[*(() if plain else self.options), *map(str, command)] for command in commands]
        call = [sys.executable, "-c", RUN, json.dumps(lines)]
        done = subprocess.run(
            call, cwd=self.folder, env=self.env, capture_output=True, text=True, check=True, encoding="utf-8"
        )
        return [Told(*one) for one in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The example, installed by pip, without a network."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(OWN_LAYER, folder / "source")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", source], check=True
    )
    return place(folder, {"PYTHONPATH": str(folder / "site")}, ())


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The example as it lies in its folder, named on the command line."""
    folder = tmp_path_factory.mktemp("named")
    shutil.copytree(OWN_LAYER, folder, dirs_exist_ok=True)
    return place(folder, {}, ("--plugin", PLUGIN))


def place(folder: Path, env: dict[str, str], options: tuple[str, ...]) -> Place:
    shutil.copy(OWN_LAYER / "net.yaml", folder)
    pictures = write_pictures(folder / "pictures.npz")
    (folder / "tiny.yaml").write_text(SPEC.replace("relu", "maxout: 2") % pictures)
    return Place(folder, {**os.environ, **env}, options)


@pytest.fixture(scope="module", params=["installed", "named"])
def here(request: pytest.FixtureRequest) -> Place:
    """Both ways, one after the other."""
    found: Place = request.getfixturevalue(request.param)
    return found


def test_reading(here: Place) -> None:
    """Summary, check, explain, layers, schema and draw know the layer, and none of them imports torch."""
    commands = [
        ["summary", "net.yaml", "--format", "json"],
        ["check", "net.yaml"],
        ["explain", "net.yaml", "maxout1"],
        ["layers", "maxout"],
        ["layers", "--format", "json"],
        ["schema"],
        ["draw", "net.yaml", "-o", "net.svg"],
    ]
    told = here.run(*commands)
    assert [(one.code, one.torch) for one in told] == [(0, False)] * len(commands)
    summary, check, explain, layer, layers, schema, _ = (one.out for one in told)
    rows = {row["type"]: row for row in json.loads(summary)["layers"]}
    assert (rows["maxout"]["input"], rows["maxout"]["output"]) == ([12, 12, 12], [4, 12, 12])
    assert check == "net.yaml: ok, 4 layers, 6,082 parameters\n"
    assert "maxout1: 12×12×12 → 4×12×12" in explain
    assert layer.startswith("maxout  (activation, of own_layer.layers)\n")
    assert {one["type"]: one["module"] for one in json.loads(layers)}["maxout"] == PLUGIN
    assert json.loads(schema)["$defs"]["maxout"]["properties"].keys() == {"pieces"}
    assert "maxout" in (here.folder / "net.svg").read_text("utf-8")


def test_mistakes(here: Place) -> None:
    """A typo leads to the layer, and its own rules are told like all others."""
    (here.folder / "typo.yaml").write_text("input: [6, 8, 8]\nlayers: [maxot: 2]\n")
    (here.folder / "field.yaml").write_text("input: [6, 8, 8]\nlayers: [maxout: {peices: 2}]\n")
    (here.folder / "rule.yaml").write_text("input: [6, 8, 8]\nlayers: [maxout: 4]\n")
    typo, field, rule = here.run(*(["check", f"{name}.yaml"] for name in ("typo", "field", "rule")))
    assert typo.err.startswith("typo.yaml:2:10: unknown layer 'maxot'. Did you mean 'maxout'?")
    assert field.err.startswith("field.yaml:2:19: unknown field 'peices' of maxout. Did you mean 'pieces'?")
    assert rule.err.startswith("rule.yaml:2:10: 4 pieces do not divide the 6 channels of maxout1.")


def test_training(here: Place) -> None:
    """A network with the layer trains, goes on, is exported and predicts; without its plugin, all say what is missing."""
    train = ["train", "tiny.yaml", "--out", "run", "--epochs", "1"]
    resume, export = ["train", "--resume", "run", "--epochs", "2"], ["export", "run", "-o", "run.onnx"]
    told = here.run(train, resume, export, ["predict", "run", DIGIT], ["predict", "run.onnx", DIGIT])
    assert [one.code for one in told] == [0] * len(told), [one.err for one in told]
    trained = told[0]
    assert trained.out.splitlines()[-1].endswith(
        f"Try: {' '.join(['cnnspec', *here.options, 'predict', 'run', 'IMAGE'])}"
    )
    note = json.loads((here.folder / "run" / "environment.json").read_text())["plugins"]
    package = "" if here.options else "own-layer 1.0"
    assert note == {"maxout": {"module": PLUGIN, "package": package}}
    without = here._replace(env={**here.env, "PYTHONPATH": ""})
    predict, resume = ["predict", "run", DIGIT], ["train", "--resume", "run", "--epochs", "3"]
    told = without.run(predict, resume, ["predict", "run.onnx", DIGIT], plain=True)
    for one in told:
        assert one.code == 1
        assert "the network has the layer maxout of own_layer.layers, which is not loaded." in one.err
        assert f"`cnnspec --plugin {PLUGIN} predict …`" in one.err
        assert ("Install the package own-layer 1.0, or" in one.err) == bool(package)


def test_export(installed: Place) -> None:
    """The network becomes source that imports the plugin's module, and nothing of cnnspec; torch is not needed."""
    here = installed
    (told,) = here.run(["export", "net.yaml", "-o", "net.py"])
    assert (told.code, told.torch) == (0, False), told.err
    source = (here.folder / "net.py").read_text("utf-8")
    assert "from own_layer.modules import Maxout\n" in source
    assert "self.maxout1 = Maxout(3)  # 4×12×12\n" in source
    probe = "import sys, net; print(net.Net()(net.torch.zeros(2, 1, 28, 28)).shape, 'cnnspec' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=here.folder,
        env=here.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "torch.Size([2, 10]) False\n"


def test_own_test(installed: Place) -> None:
    """The example's own test passes."""
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "source/test_maxout.py"]
    done = subprocess.run(
        call, cwd=installed.folder, env=installed.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_documented() -> None:
    """The documentation shows the example's class, and its entry point, as they are."""
    text = (OWN_LAYER.parents[1] / "docs" / "plugins.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:python|toml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shown = "\n".join(line.partition("  # ")[0] for line in blocks[0].rstrip().splitlines())
    assert shown in (OWN_LAYER / "own_layer" / "layers.py").read_text("utf-8")
    entry_points = [tomllib.loads(one)["project"]["entry-points"] for one in (blocks[1], SETTINGS)]
    assert entry_points[0] == entry_points[1]


def test_is_short() -> None:
    """The whole package has fewer than 60 lines, with its settings, a spec and a test."""
    files = [path for path in OWN_LAYER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in files} == {".py", ".toml", ".yaml"}
    assert sum(len(path.read_text("utf-8").splitlines()) for path in files) < 60
