"""Plugins join the vocabulary as a whole, or leave nothing but one message that names them."""

import importlib
import sys
import warnings
from pathlib import Path

import pytest
from plugin_fixtures import LAYER, write_package
from tiny_run import SPEC as TINY
from tiny_run import write_pictures
from torch import nn

import cnnspec
from cnnspec.cli import run
from cnnspec.errors import PluginError
from cnnspec.layers import LAYERS, REGISTRY
from cnnspec.plugins import loading
from cnnspec.testing import check_layer

SPEC = "input: [2, 4, 4]\nlayers: [doubled]\n"
Capture = pytest.CaptureFixture[str]

BROKEN = {
    "it lacks something": ("import nowhere_to_be_found", "cannot be loaded; ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "it raises": ("raise ValueError('no\\nluck')", "cannot be loaded; ValueError: no"),
    "it is no Python": ("class:\n", "cannot be loaded; SyntaxError: invalid syntax"),
    "it ends Python": ("import sys\nsys.exit(3)", "cannot be loaded; SystemExit: 3"),
    "a name of ours": (LAYER.replace('"doubled"', '"conv"', 1), "cannot be loaded; TypeError: two layers are called 'conv', in cnnspec.layers.convolution and broken.layers"),
    "two of its own": (LAYER + LAYER.replace("Doubled", "Again"), "cannot be loaded; TypeError: two layers are called 'doubled', in broken.layers and broken.layers"),
    "no layers": ("import cnnspec.layers", "has no layers"),
    "no word": (LAYER.replace('"doubled"', '"Not a word"', 1), "cannot be used; of its layer Doubled, its type 'Not a word' is no word that a spec could call it"),
    "a modifier": (LAYER.replace('"doubled"', '"repeat"', 1), "cannot be used; of its layer Doubled, its type 'repeat' is no word that a spec could call it"),
    "a word of torch's": (LAYER.replace('"doubled"', '"forward"', 1), "cannot be used; of its layer Doubled, its type 'forward' is no word that a spec could call it"),
    "no word at all": (LAYER.replace('"doubled"', "3", 1), "cannot be used; of its layer Doubled, its type 3 is no word that a spec could call it"),
    "no docstring": (LAYER.replace('"""Twice its input."""', ""), "cannot be used; of its layer Doubled, it has no docstring, which tells what it does"),
    "no family": (LAYER.replace("family: ClassVar", "other: ClassVar"), "cannot be used; of its layer Doubled, it has no family"),
    "no example": (LAYER.replace('"doubled"\n    cases', '""\n    cases'), "cannot be used; of its layer Doubled, it has no example"),
    "no cases": (LAYER.replace("cases: ClassVar", "other: ClassVar"), "cannot be used; of its layer Doubled, it has no cases"),
    "no such main field": (LAYER.replace("cases: ClassVar", 'main: ClassVar = "factor"\n    cases: ClassVar'), "cannot be used; of its layer Doubled, its main field 'factor' is none of its fields"),
    "no shapes": (LAYER.replace("output_shape", "shape"), "cannot be used; of its layer Doubled, it has no method output_shape"),
    "no module": (LAYER.replace("def build", "def make"), "cannot be used; of its layer Doubled, it has no method build"),
    "no Layer": (LAYER.replace("Case, Layer", "Case, Element as Layer"), "cannot be used; of its layer Doubled, it is no Layer"),
    "a field without a type": (LAYER.replace("cases: ClassVar =", "factor = 2\n    cases: ClassVar ="), "cannot be loaded; PydanticUserError: A non-annotated attribute was detected"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_broken_plugin(case: tuple[str, str], site: Path, capsys: Capture) -> None:
    """A broken plugin is one warning that names its package; all commands work, also those of other plugins."""
    text, message = case
    write_package(site, "broken", text)
    write_package(site, "good", LAYER.replace("doubled", "good"))
    Path("net.yaml").write_text(SPEC.replace("doubled", "good"))
    known = REGISTRY.keys() | {"good"}
    assert run(["summary", "net.yaml"]) == 0
    out, err = capsys.readouterr()
    assert "good1" in out
    first = next(line for line in err.splitlines() if "warning: " in line)
    assert f"the plugin broken.layers of the package broken 1.0 {message}" in first
    assert err.count("warning: ") == 1
    assert "Traceback" not in err
    assert "Its layers are left out: mend, update or remove broken 1.0." in err
    assert REGISTRY.keys() == known
    assert REGISTRY.keys() & LAYERS.keys() == LAYERS.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_that_was_asked_for(name: str, site: Path, capsys: Capture) -> None:
    """On the command line it is an error, and nothing is done without it."""
    text, message = BROKEN[name]
    (site / "broken").mkdir()
    (site / "broken" / "layers.py").write_text(text)
    Path("net.yaml").write_text("input: [2, 4, 4]\nlayers: [relu]\n")
    assert run(["--plugin", "broken.layers", "summary", "net.yaml"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"the plugin broken.layers {message}" in err
    assert "Traceback" not in err


def test_place_of_the_fault(site: Path) -> None:
    """The message points at the line of the plugin that went wrong, however deep the error is raised."""
    text = "import re\n\ndef pattern():\n    return re.compile('(')\n\npattern()\n"
    (site / "broken.py").write_text(text)
    with pytest.raises(PluginError) as caught:
        loading.use("broken")
    place = caught.value.problems[0].place
    assert place
    assert (place.file, place.line, place.column) == (str(site / "broken.py"), 4, 5)
    assert place.text == "    return re.compile('(')"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "the plugin nowhere is not there; no module is called nowhere."),
        ("own.nowhere", "the plugin own.nowhere is not there; no module is called own.nowhere."),
        ("nowhere.own", "the plugin nowhere.own is not there; no module is called nowhere."),
        ("./own.py", "the plugin ./own.py is no module."),
        ("own layer", "the plugin own layer is no module."),
        (".own", "the plugin .own is no module."),
        ("own:Layer", "the plugin own:Layer is no module."),
        ("", "the plugin  is no module."),
        ("\x1b[31m", "the plugin �[31m is no module."),
        ("json", "the plugin json has no layers."),
    ],
)  # fmt: skip
def test_wrong_names(name: str, message: str, site: Path, capsys: Capture) -> None:
    """What is no module, or none with layers, is told as that."""
    write_package(site, "own")
    assert run(["--plugin", name, "layers"]) == 1
    assert capsys.readouterr().err.startswith(message)


def test_announced_class(site: Path) -> None:
    """A package announces modules; what is no module is told, and not guessed at."""
    write_package(site, "own", value="own.layers:Doubled")
    with pytest.warns(UserWarning, match=r"own\.layers:Doubled of the package own 1\.0 is no module"):
        cnnspec.loads("input: [2, 4, 4]\nlayers: [relu]\n")


def test_python_api(site: Path) -> None:
    """In Python, layers of installed packages are there at once; of others, after their import."""
    write_package(site, "own")
    write_package(site, "other", LAYER.replace("doubled", "other"))
    (site / "other-1.0.dist-info" / "entry_points.txt").unlink()
    assert cnnspec.loads(SPEC).plan().layers[0].type == "doubled"
    with pytest.raises(cnnspec.SpecError, match="unknown layer 'other'"):
        cnnspec.loads(SPEC.replace("doubled", "other"))
    importlib.import_module("other.layers")
    assert cnnspec.loads(SPEC.replace("doubled", "other")).plan().layers[0].type == "other"


def test_broken_plugin_in_python(site: Path) -> None:
    """In Python, a broken plugin is a warning, once, and an unknown layer."""
    write_package(site, "broken", "import nowhere_to_be_found")
    with pytest.warns(UserWarning, match=r"broken\.layers of the package broken 1\.0 cannot be loaded"):
        cnnspec.loads("input: [2, 4, 4]\nlayers: [relu]\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(cnnspec.SpecError, match="unknown layer 'doubled'"):
            cnnspec.loads(SPEC)


MODULES = """
from torch import Tensor, nn

class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x
"""
"""What the layer builds, for the tests in which it is run."""

WITH_MODULES = LAYER.replace("nn.Identity()", 'nn.imported("own.modules").Doubled()').replace(
    "    def build",
    """    @classmethod
    def read(cls, module: Any, x: Shape) -> Any:
        return attributes(module, "Doubled")

    def build""",
).replace("import Case, Layer", "import Case, Layer, attributes")  # fmt: skip


def test_imported_modules(site: Path) -> None:
    """A module that a plugin's layer reads becomes that layer, and builds the same network."""
    write_package(site, "own", WITH_MODULES)
    (site / "own" / "modules.py").write_text(MODULES)
    module = nn.Sequential(nn.Conv2d(2, 3, 3), importlib.import_module("own.modules").Doubled())
    found = cnnspec.from_module(module, input=(2, 4, 4))
    assert [step.type for step in found.plan().layers] == ["conv", "doubled"]


def test_harness_for_installed_plugins(site: Path) -> None:
    """The whole harness passes for a layer of an installed package, with its module and what it reads."""
    write_package(
        site,
        "own",
        WITH_MODULES.replace("cases: ClassVar", "keeps: ClassVar = Kept()\n    cases: ClassVar").replace(
            "import Case,", "import Case, Kept,"
        ),
    )
    (site / "own" / "modules.py").write_text(MODULES)
    loading.use("own.layers")
    check_layer(LAYERS["doubled"])


def test_read_again(site: Path) -> None:
    """A class that is defined once more at its place, as in a notebook's cell, replaces the one before."""
    write_package(site, "own")
    loading.use("own.layers")
    before = REGISTRY["doubled"]
    del sys.modules["own.layers"]
    loading.use("own.layers")
    assert REGISTRY["doubled"] is LAYERS["doubled"] is not before
    assert cnnspec.loads(SPEC).plan().layers[0].layer == REGISTRY["doubled"]()


def test_words_of_fields(site: Path) -> None:
    """A word that a plugin's field takes is a word of the language from then on, and no name of a variable."""
    text = LAYER.replace("cases: ClassVar", 'way: Literal["sideways"] = "sideways"\n    cases: ClassVar')
    write_package(site, "own", text.replace("import Any,", "import Any, Literal,"))
    assert cnnspec.loads("input: [2, 4, 4]\nlayers: [doubled: {way: sideways}]\n").plan().layers
    with pytest.raises(cnnspec.SpecError, match="sideways"):
        cnnspec.loads("input: [2, 4, 4]\nvars: {sideways: 1}\nlayers: [relu]\n")


def test_installed_and_in_the_working_folder(site: Path, capsys: Capture) -> None:
    """A module in the working folder can be named; what is installed comes first."""
    write_package(site, "own")
    Path("own").mkdir()
    Path("own/layers.py").write_text("raise ValueError")
    Path("mine.py").write_text(LAYER.replace("doubled", "mine"))
    Path("net.yaml").write_text("input: [2, 4, 4]\nlayers: [mine, doubled]\n")
    assert run(["--plugin", "mine", "--plugin", "own.layers", "check", "net.yaml"]) == 0
    assert capsys.readouterr().err == ""


def test_what_a_plugin_prints(site: Path, capsys: Capture) -> None:
    """Standard output is for results: what a plugin prints goes to standard error."""
    write_package(site, "own", f"print('Hello!')\n{LAYER}")
    Path("net.yaml").write_text(SPEC)
    assert run(["summary", "net.yaml", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert err == "Hello!\n"


def test_option_after_the_command(site: Path, capsys: Capture) -> None:
    """Whoever writes --plugin after the command is told where it goes."""
    assert run(["summary", "--plugin", "own", "net.yaml"]) == 2
    assert "cnnspec --plugin MODULE COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["output_shape", "build"])
def test_fault_while_it_works(method: str, site: Path, capsys: Capture) -> None:
    """Where a layer's own code goes wrong, its plugin is named, and not we."""
    body = "return x" if method == "output_shape" else "return nn.Identity()"
    write_package(site, "own", LAYER.replace(body, "return x.nonsense"))
    pictures = write_pictures(Path.cwd() / "pictures.npz")
    Path("net.yaml").write_text(TINY.replace("relu", "doubled") % pictures)
    assert run(["summary", "net.yaml"] if method == "output_shape" else ["train", "net.yaml"]) == 1
    err = capsys.readouterr().err
    assert "the plugin own went wrong: AttributeError: 'tuple' object has no attribute 'nonsense'; in " in err
    assert str(site / "own" / "layers.py") in err
    assert "bug" not in err


@pytest.mark.parametrize(
    ("method", "value", "told"),
    [
        ("output_shape", "None", "is None; a shape is a tuple of ints above 0"),
        ("output_shape", "[2, 4, 4]", "is [2, 4, 4]; a shape is a tuple of ints above 0"),
        ("output_shape", "(x[0], x[1] / 2, 2)", "is (2, 2.0, 2); a shape is a tuple of ints above 0"),
        ("output_shape", "(2, 0, 4)", "is (2, 0, 4); a shape is a tuple of ints above 0"),
        ("output_shape", "()", "is (); a shape is a tuple of ints above 0"),
        ("params", "'many\\x1b'", "is 'many\\x1b'; it is an int, not below 0"),
        ("macs", "-1", "is -1; it is an int, not below 0"),
    ],
)
def test_wrong_answers(method: str, value: str, told: str, site: Path) -> None:
    """What is no shape or no number is told at the layer's place, as the plugin's fault."""
    body = f"    def {method}(self, x: Shape) -> Any:\n        return {value}\n\n    def build"
    write_package(site, "own", LAYER.replace("    def build", body))
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.loads(SPEC, file="net.yaml").plan()
    message = f"net.yaml:2:10: {method} of doubled1 {told}. Tell the authors of own.layers."
    assert str(caught.value).startswith(message)
