"""The hook for pre-commit is one that it takes, and finds the mistakes in specs before they are committed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
PRE_COMMIT = [sys.executable, "-m", "pre_commit"]

GOOD = "input: [1, 8, 8]\nlayers: [relu]\n"
BAD = "input: [1, 8, 8]\nlayers: [rleu]\n"
FILES = {
    "specs/good.yaml": GOOD,
    "nets/specs/deep/bad.yml": BAD,
    "nets/other.yaml": BAD,
    "myspecs/other.yaml": BAD,
    "specs/README.md": "no spec",
    ".github/workflows/ci.yml": "on: push\n",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with our hook, run from where cnnspec is installed: to install it again would take a network."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    hooks: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text("utf-8"))
    local = {"repo": "local", "hooks": [{**hook, "language": "system"} for hook in hooks]}
    folder = tmp_path / "repository"
    for name, text in (FILES | {".pre-commit-config.yaml": yaml.safe_dump({"repos": [local]})}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S607  # whichever git there is


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    call = [*PRE_COMMIT, "run", "cnnspec-check", "--verbose", "--color", "never"]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def test_manifest() -> None:
    """pre-commit itself takes the file for a valid manifest."""
    subprocess.run([*PRE_COMMIT, "validate-manifest", str(MANIFEST)], check=True)


def test_documented() -> None:
    """The documentation shows the hook by its name, and the local one as it is in the manifest."""
    (hook,) = yaml.safe_load(MANIFEST.read_text("utf-8"))
    text = (MANIFEST.parent / "docs" / "checks.md").read_text("utf-8")
    blocks = [
        yaml.safe_load(one) for one in re.findall(r"^```yml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]
    remote, other, local, workflow = blocks
    assert [one["id"] for one in (*remote["repos"][0]["hooks"], *other)] == [hook["id"]] * 2
    del hook["description"]
    assert local["repos"] == [{"repo": "local", "hooks": [hook | {"language": "system"}]}]
    assert workflow["jobs"]["specs"]["steps"][-1] == {"run": "cnnspec check --format github specs/*.yaml"}


def test_staged_specs(repository: Path) -> None:
    """A mistake in a staged spec stops the commit and is told with its place; other YAML is left alone."""
    refused = run(repository)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "nets/specs/deep/bad.yml:2:10: unknown layer 'rleu'. Did you mean 'relu'?" in refused.stdout
    assert "specs/good.yaml: ok" in refused.stdout
    assert refused.stdout.count("unknown") == 1
    (repository / "nets" / "specs" / "deep" / "bad.yml").write_text(GOOD)
    git(repository, "add", ".")
    passed = run(repository)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.count(": ok") == 2
