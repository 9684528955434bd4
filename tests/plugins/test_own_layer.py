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

from cnnspec.cli import run

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


MISSING = "the network has the layer maxout of own_layer.layers, which is not loaded."

PROBE = """
import sys, net, pytest
print(net.Net()(net.torch.zeros(2, 1, 28, 28)).shape, "cnnspec" in sys.modules)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "source/test_maxout.py"]))
"""
"""Runs exported source, and then the example's own test; torch, which takes long to import, is there for both."""


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


def test_training_with_what_is_named(
    named: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run notes the plugin that was named for it, and says how to go on; without it, it is said what is missing."""
    (trained,) = named.run(["train", "tiny.yaml", "--out", "run", "--epochs", "1"])
    assert trained.code == 0, trained.err
    assert trained.out.splitlines()[-1].endswith(f"Try: cnnspec --plugin {PLUGIN} predict run IMAGE")
    assert noted(named) == {"maxout": {"module": PLUGIN, "package": ""}}
    monkeypatch.chdir(named.folder)
    for command in (["predict", "run", str(DIGIT)], ["train", "--resume", "run", "--epochs", "2"]):
        assert run(command) == 1
        err = capsys.readouterr().err
        assert f"{MISSING} Load it, as in `cnnspec --plugin {PLUGIN} predict …`." in err


def test_training_with_what_is_installed(
    installed: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network with the layer trains, goes on, is exported and predicts; without the package, all say what is missing."""
    train, resume = ["train", "tiny.yaml", "--out", "run", "--epochs", "1"], ["train", "--resume", "run"]
    of_run, of_file = ["predict", "run", str(DIGIT)], ["predict", "run.onnx", str(DIGIT)]
    export = ["export", "run", "-o", "run.onnx"]
    told = installed.run(train, [*resume, "--epochs", "2"], export, of_run, of_file)
    assert [one.code for one in told] == [0] * len(told), [one.err for one in told]
    assert told[0].out.splitlines()[-1].endswith("Try: cnnspec predict run IMAGE")
    assert noted(installed) == {"maxout": {"module": PLUGIN, "package": "own-layer 1.0"}}
    monkeypatch.chdir(installed.folder)
    for command in (of_run, [*resume, "--epochs", "3"], of_file):
        assert run(command) == 1
        err = capsys.readouterr().err
        assert (
            f"{MISSING} Install the package own-layer 1.0, or load it, as in `cnnspec --plugin {PLUGIN}"
            in err
        )


def noted(here: Place) -> Any:
    """Return what a run tells of where its layers come from."""
    return json.loads((here.folder / "run" / "environment.json").read_text())["plugins"]


def test_export(installed: Place) -> None:
    """Exported source imports the plugin's module, and nothing of cnnspec; the example's own test passes."""
    (told,) = installed.run(["export", "net.yaml", "-o", "net.py"])
    assert (told.code, told.torch) == (0, False), told.err
    source = (installed.folder / "net.py").read_text("utf-8")
    assert "from own_layer.modules import Maxout\n" in source
    assert "self.maxout1 = Maxout(3)  # 4×12×12\n" in source
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=installed.folder,
        env=installed.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("torch.Size([2, 10]) False\n")
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
