"""The module that a user names on the command line: one of torchvision's, or what the user's own code makes.

Nothing else in cnnspec runs a user's code, and no spec can name any.
"""

import importlib
import inspect
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torchvision
from torch import nn

from cnnspec.errors import Problem, SpecError, did_you_mean, shown
from cnnspec.importing.places import last_of
from cnnspec.shape import Shape

TORCHVISION = "torchvision"
INPUT: Shape = (3, 224, 224)
"""What a module is traced with where nothing tells."""


@dataclass(frozen=True, slots=True)
class Named:
    """A module that is named, ``torchvision:resnet18`` say, and the input that it is made for."""

    module: nn.Module
    name: str
    input: Shape = INPUT


def torchvision_module(name: str) -> Named:
    """Return a network of torchvision, with random weights; raises SpecError."""
    known = torchvision.models.list_models()
    if name not in known:
        fix = did_you_mean(name, known) or "`torchvision.models.list_models()` has them all"
        raise SpecError(Problem(f"torchvision has no network {shown(name)}", "", fix))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that weights are random is told, and how GoogLeNet draws them
        builder = torchvision.models.get_model_builder(name)
        options = {
            one: None
            for one in ("weights", "weights_backbone")
            if one in inspect.signature(builder).parameters
        }
        module = builder(**options)
    weights = torchvision.models.get_model_weights(name).DEFAULT
    size = getattr(weights.transforms, "keywords", {}).get("crop_size")
    return Named(module, name, INPUT if not isinstance(size, int) else (3, size, size))


def own_module(home: str, name: str) -> Named:
    """Return what a function, a class or a variable of the user's own code gives; raises SpecError.

    The code runs.
    """
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # sys.path holds texts; as `python -m` does
    try:
        return Named(_made(_attribute(_imported(home), home, name), f"{home}:{name}"), name)
    finally:
        sys.path.remove(os.getcwd())  # noqa: PTH109  # as above


def _imported(home: str) -> Any:
    """Return the user's Python module; raises SpecError."""
    parts = home.split(".")
    for number in range(1, len(parts) + 1):
        here = ".".join(parts[:number])
        try:
            module = importlib.import_module(here)
        except ModuleNotFoundError as error:
            if error.name != here:  # it is there, and imports what is not
                raise SpecError(_raised(here, error)) from None
            parent = sys.modules.get(".".join(parts[: number - 1]))
            raise SpecError(_no_module(here, parent)) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # it may raise anything, also SystemExit
            raise SpecError(_raised(here, error)) from None
    return module


def _no_module(name: str, parent: Any) -> Problem:
    where = getattr(parent, "__path__", None) if parent else [os.getcwd()]  # noqa: PTH109  # as in own_module
    near: Iterable[str] = [one.name for one in pkgutil.iter_modules(where)] if where is not None else []
    last = name.rpartition(".")[2]
    why = f"it is looked for in {os.getcwd()} and where Python's packages are"  # noqa: PTH109
    return Problem(f"there is no Python module {shown(name)}", why, did_you_mean(last, near))


def _attribute(module: Any, home: str, name: str) -> Any:
    if not hasattr(module, name):
        near = [one for one, value in vars(module).items() if callable(value) or isinstance(value, nn.Module)]
        raise SpecError(Problem(f"{home} has no {shown(name)}", "", did_you_mean(name, near)))
    return getattr(module, name)


def _made(found: Any, name: str) -> nn.Module:
    """Return the torch module that was found or that calling it makes; raises SpecError."""
    made = found
    if not isinstance(found, nn.Module):
        if not callable(found):
            what, fix = (
                f"{name} is of type {type(found).__name__}",
                "Name a function or class that makes an nn.Module",
            )
            raise SpecError(Problem(what, "", fix))
        needed = _needed(found)
        if needed:
            what, fix = (
                f"{name} needs {' and '.join(needed)}",
                "Name a function without arguments, which calls it",
            )
            raise SpecError(Problem(what, "it is called without arguments", fix))
        try:
            made = found()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # as in _imported
            raise SpecError(_raised(name, error)) from None
    if not isinstance(made, nn.Module):
        raise SpecError(Problem(f"{name} gives a {type(made).__name__}, not an nn.Module"))
    return made


def _needed(function: Any) -> list[str]:
    """Return the arguments that a function must be given."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins do not tell
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.default is one.empty and one.kind not in kinds]


def _raised(name: str, error: BaseException) -> Problem:
    told = (error.msg if isinstance(error, SyntaxError) else str(error)).strip().partition("\n")[0]
    kind = type(error).__name__
    return Problem(f"{name} raises {kind}" + (f": {told}" if told else ""), "", "", last_of(error))
