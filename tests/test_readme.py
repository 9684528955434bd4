"""The README is true: its commands run, its spec and its output are the real ones."""

import re
import runpy
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from documented import blocks

import cnnspec
import cnnspec.cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXACT = ("summary", "explain", "check", "apply")


MISSING = {
    "input": "input: [3, 32, 32]",
    "layers": "layers: [flatten, fc: 10]",
    "blocks": "blocks: {conv_bn: {args: {filters: 8, kernel: 1}, layers: "
    "[conv: {filters: filters, kernel: kernel, padding: kernel // 2}]}}",
}
"""What a piece of a spec in the docs may leave out."""


class Command(NamedTuple):
    """A command of the README with the output shown under it."""

    line: str
    output: str


def commands() -> list[Command]:
    found = []
    for block in blocks(README, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append(Command(line, output))
    return found


def stripped(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def test_commands(
    tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command runs as it stands, in order, without the internet; output shown in full is exact."""
    for name in ("specs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for command in commands():
        program, *arguments = command.line.split()
        if program == "cnnspec":  # in this process, which has imported torch already
            assert cnnspec.cli.run(arguments) == 0, f"{command.line}\n{capsys.readouterr().err}"
        else:
            assert program == "python"
            monkeypatch.setattr(sys, "argv", arguments)
            runpy.run_path(arguments[0], run_name="__main__")
        printed = capsys.readouterr().out
        if command.output and arguments[0] in EXACT:
            assert stripped(printed) == stripped(command.output)


def test_all_main_commands_are_shown() -> None:
    """A newcomer sees each command at least once."""
    shown = {command.line.split()[1] for command in commands() if command.line.startswith("cnnspec")}
    assert {"summary", "explain", "check", "layers", "train", "evaluate", "predict"} <= shown


def test_spec_is_lenet5() -> None:
    """The spec shown is the one that ships."""
    shown = cnnspec.loads(blocks(README, "yaml")[0])
    shipped = cnnspec.load(ROOT / "specs" / "lenet5.yaml")
    assert [item.resolved() for item in shown.layers] == [item.resolved() for item in shipped.layers]
    assert shown.input == shipped.input


def test_python_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python shown runs, and prints what its comments say."""
    monkeypatch.chdir(ROOT)
    (code,) = blocks(README, "python")
    (tmp_path / "block.py").write_text(code, "utf-8")
    runpy.run_path(str(tmp_path / "block.py"))
    told = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    assert capsys.readouterr().out.splitlines() == ["(10,) 61750 416520", *told]


def test_error_messages() -> None:
    """The messages shown are those of such a file."""
    layers = ["conv: {filters: 6, kernel: 5}", "maxpool: 2", "conv: {filters: 16, kernel: 5}", "maxpool: 2"]
    layers += ["conv: {filters: 16, kernel: 5}", "flatten", "fc: {untis: 10}"]
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.loads(
            "input: [1, 20, 20]\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers), file="net.yaml"
        )
    assert f"```\n{caught.value}\n```" in README


BLOCK_TOO_OFTEN = """input: [3, 16, 16]
blocks:
  step:
    args: {width: null}
    layers:
      - maxpool: 2
      - conv: {filters: width, kernel: 5, padding: 1}
layers:
  - relu
  - step: 16
    repeat: 2
  - step: {width: 2 * 32}
"""


def test_error_in_a_block() -> None:
    """The message shown for a mistake in a block is that of such a file, in the docs, too."""
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.loads(BLOCK_TOO_OFTEN, file="net.yaml").plan()
    for text in (README, (ROOT / "docs" / "language.md").read_text("utf-8")):
        assert f"```\n{caught.value}\n```" in text


def test_first_commands() -> None:
    """The two commands of the first table are targets of the Makefile, and files linked to are there."""
    makefile = (ROOT / "Makefile").read_text()
    for target in ("train", "test"):
        assert f"`make {target}`" in README
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_yaml_in_docs(path: Path) -> None:
    """Every piece of YAML in the docs is accepted in its place."""
    for block in blocks(path.read_text("utf-8"), "yaml"):
        text = f"layers:\n{block}" if block.lstrip().startswith("-") else block
        for key, line in MISSING.items():
            if not re.search(rf"^{key}:", text, re.MULTILINE):
                text = f"{line}\n{text}"
        assert cnnspec.loads(text).plan().layers
        assert yaml.safe_load(text)
