"""Modules with layers are imported: all of their layers join the vocabulary, or none."""

import linecache
import re
import sys
import traceback
import warnings
from collections.abc import Collection
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from types import FrameType

from cnnspec.errors import Place, PluginError, Problem, one_line
from cnnspec.layers import LAYERS, REGISTRY
from cnnspec.plugins.announced import announcements
from cnnspec.plugins.contract import faults

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def use(module: str) -> None:
    """Let specs use the layers of a module, which is imported. Raises PluginError."""
    problem = _loaded(module, f"the plugin {one_line(module)}")
    if problem:
        raise PluginError(problem)


def load_installed() -> None:
    """Load the plugins that installed packages announce, once in a process.

    What is wrong with one is a warning of Python's: all else works without its layers.
    """
    for problem in installed_problems():
        warnings.warn(problem.message, stacklevel=3)


def installed_problems() -> list[Problem]:
    """Load them as `load_installed` does; return what is wrong with them and was not told yet."""
    untold = _untold()
    told = untold.copy()
    untold.clear()
    return told


def top(module: str) -> str:
    """Return the outermost package of a module."""
    return module.partition(".")[0]


@cache
def _untold() -> list[Problem]:
    """Load the plugins, and return what is wrong with them."""
    problems = []
    for package, module in announcements():
        problem = _loaded(module, f"the plugin {one_line(module)} of the package {one_line(package)}")
        if problem:
            fix = f"Its layers are left out: mend, update or remove {one_line(package)}"
            problems.append(Problem(problem.what, problem.why, fix, problem.place, "warning"))
    return problems


def _loaded(module: str, called: str) -> Problem | None:
    """Import a module with layers; return what is wrong with it, which then has left nothing behind."""
    if not _MODULE.fullmatch(module):
        return Problem(f"{called} is no module", "", "Name it as `import` does: package.module")
    registry, layers = REGISTRY.copy(), LAYERS.copy()
    problem = _imported(module, called) or _unfit(module, called, registry.keys())
    if problem:
        for now, before in ((REGISTRY, registry), (LAYERS, layers)):
            now.clear()
            now.update(before)  # type: ignore[arg-type]  # each with its own copy
    return problem


def _imported(module: str, called: str) -> Problem | None:
    """Import a module; return the problem that it has with it."""
    try:
        with redirect_stdout(sys.stderr):  # standard output is for results
            import_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, the plugin is to blame
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            what, why = f"{called} is not there", f"no module is called {missing}"
            return Problem(
                what, why, "Install its package, go to its folder, or correct the name: package.module"
            )
        why = f"{type(error).__name__}: {one_line(str(error).partition(chr(10))[0])}"
        return Problem(f"{called} cannot be loaded", why, "Mend it", _place(error, module))
    return None


def _unfit(module: str, called: str, known: Collection[str]) -> Problem | None:
    """Return why what an imported module has added is no layer."""
    if not any(top(element.__module__) == top(module) for element in REGISTRY.values()):
        return Problem(f"{called} has no layers", "", "Name the module that defines them")
    for name, element in REGISTRY.items():
        fault = None if name in known else next(faults(element), None)
        if fault:
            return Problem(f"{called} cannot be used", f"of its layer {element.__name__}, {fault}", "Mend it")
    return None


def _place(error: BaseException, module: str) -> Place | None:
    """Return the line of the plugin that an error comes from."""
    if isinstance(error, SyntaxError) and error.filename:
        return Place(error.filename, error.lineno or 1, error.offset or 1, error.text or "")
    frames = [(f, line) for f, line in traceback.walk_tb(error.__traceback__) if _is_of(f, module)]
    if not frames:
        return None
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    text = linecache.getline(file, line)
    return Place(file, line, len(text) - len(text.lstrip()) + 1, text.rstrip("\n"))


def _is_of(frame: FrameType, module: str) -> bool:
    return top(frame.f_globals.get("__name__", "")) == top(module)
