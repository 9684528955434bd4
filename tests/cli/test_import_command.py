"""`cnnspec import`: what it writes, what it runs, and what it says of names that are none."""

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

import cnnspec
from cnnspec.cli import run

Capture = pytest.CaptureFixture[str]

CODE = """
import torch
from torch import nn

print("this goes nowhere near the spec")

class Small(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))

small = Small()

def needs(classes): return small
def fails(): raise ValueError("first line\\nsecond line")
def leaves(): raise SystemExit(3)
def number(): return 3

class Talks(Small):
    def forward(self, x):
        print("nor does this")
        return super().forward(x)

def odd(): return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReflectionPad2d(1))
"""


@pytest.fixture(autouse=True)
def _code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "a_network", raising=False)
    Path("a_network.py").write_text(CODE, "utf-8")
    Path("a_slip.py").write_text("\ndef f(:\n", "utf-8")


@pytest.mark.parametrize("name", ["Small", "small", "Talks"])
def test_own_code(name: str, capsys: Capture) -> None:
    """A class or a variable of the user's own becomes a spec on standard output; that its code runs is said."""
    assert run(["import", f"a_network:{name}", "--input", "1x8x8"]) == 0
    out, err = capsys.readouterr()
    assert [step.type for step in cnnspec.loads(out).plan().layers] == ["conv", "relu", "flatten", "fc"]
    assert err.startswith(f"Running a_network:{name}\n")
    assert "this" not in out


def test_files(capsys: Capture) -> None:
    """Spec and weights are written to files, and the weights are those of the spec's network."""
    arguments = ["-o", "net.yaml", "--weights", "net.safetensors", "--input", "1x8x8"]
    assert run(["import", "a_network:small", *arguments]) == 0
    assert "net.yaml and net.safetensors: small, " in capsys.readouterr().out
    report = cnnspec.load_weights(cnnspec.load("net.yaml").plan().build(), load_file("net.safetensors"))
    assert (report.how, report.missing, report.unexpected) == ("name", (), ())
    assert run(["check", "net.yaml"]) == 0
    assert run(["summary", "net.yaml"]) == 0


def test_torchvision(capsys: Capture) -> None:
    """A network of torchvision is imported for the pictures that its weights were trained with."""
    assert run(["import", "torchvision:squeezenet1_1", "-o", "net.yaml"]) == 0
    assert "1,235,496 parameters, for 3×224×224" in capsys.readouterr().out
    assert cnnspec.load("net.yaml").plan().params == 1_235_496


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["torchvision:resnt18"], 1, "torchvision has no network 'resnt18'. Did you mean 'resnet18'?"),
        (["a_netwrok:Small"], 1, "Did you mean 'a_network'?"),
        (["a_network:Smal"], 1, "a_network has no 'Smal'. Did you mean 'Small'?"),
        (["a_network:needs"], 1, "a_network:needs needs classes"),
        (["a_network:fails"], 1, "a_network:fails raises ValueError: first line."),
        (["a_network:leaves"], 1, "a_network:leaves raises SystemExit: 3."),
        (["a_network:number"], 1, "a_network:number gives a int, not an nn.Module."),
        (["a_network:odd", "--input", "1x8x8"], 1, "no layer does what ReflectionPad2d does with 4×6×6"),
        (["a_network:Small"], 1, "0 (Conv2d) does not take 3×224×224"),
        (["a_network.py:Small"], 2, "write a_network:FUNCTION"),
        (["a_network"], 2, "is neither torchvision:NAME nor MODULE:FUNCTION"),
        (["a_network:Small", "--input", "8"], 2, "is no shape such as 3x224x224"),
        (["a_network:Small", "--input", "0x8x8"], 2, "is no shape such as 3x224x224"),
        (["a_network:Small", "--weights", "w.pt"], 2, "must end in .safetensors"),
        (["a_slip:small"], 1, "a_slip.py:2:1: a_slip raises SyntaxError: "),
        (
            ["a_network:small", "-o", "a.safetensors", "--weights", "./a.safetensors"],
            2,
            "spec and weights are two",
        ),
        (["a_network:small", "--input", "1x8x8", "-o", "no/net.yaml"], 1, "the file cannot be written"),
    ],
)
def test_refused(arguments: list[str], code: int, told: str, capsys: Capture) -> None:
    """Wrong names, code that fails and networks that are none are told in a sentence, and nothing is written."""
    before = set(Path().rglob("*.yaml"))
    assert run(["import", *arguments]) == code
    err = " ".join(capsys.readouterr().err.split())
    assert told in err
    assert "Traceback" not in err
    assert "cnnspec/" not in err
    assert set(Path().rglob("*.yaml")) == before


def test_both_files_or_none() -> None:
    """Where the spec cannot be written, the weights are not either."""
    arguments = ["-o", "no/net.yaml", "--weights", "net.safetensors", "--input", "1x8x8"]
    assert run(["import", "a_network:small", *arguments]) == 1
    assert not list(Path().glob("*.safetensors"))


def test_only_import_runs_code() -> None:
    """Checking or summing up a spec that names a module imports nothing of it."""
    Path("spec.yaml").write_text("input: [1, 8, 8]\nlayers: [relu]\nname: a_network.Small\n", "utf-8")
    code = "import sys; from cnnspec.cli import run; run(['check', 'spec.yaml']); print('a_network' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")
