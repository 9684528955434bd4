"""Where the layers of a network come from, noted beside it: who lacks them is told what is missing."""

from collections.abc import Iterable, Mapping
from typing import Any

from cnnspec.errors import CheckpointError, Place, Problem
from cnnspec.layers import REGISTRY
from cnnspec.plugins.announced import announcements
from cnnspec.plugins.loading import load_installed, top

NOTE = "plugins"
"""The key that tells it, in a run's environment and in the metadata of an exported file."""


def origins(types: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the module that defines each layer which is not built in, and its package if it is installed."""
    packages = {top(value): package for package, value in announcements()}
    found = {}
    for name in dict.fromkeys(types):
        module = REGISTRY[name].__module__ if name in REGISTRY else "cnnspec"
        if top(module) != "cnnspec":
            found[name] = {"module": module, "package": packages.get(top(module), "")}
    return found


def check_loaded(facts: Mapping[str, Any], place: Place) -> None:
    """Raise CheckpointError where a network has layers that are not there; what is noted is only shown."""
    load_installed()
    noted = facts.get(NOTE)
    for name, told in noted.items() if isinstance(noted, dict) else ():
        if name in REGISTRY or not isinstance(told, dict):
            continue
        module, package = told.get("module"), told.get("package")
        what = f"the network has the layer {name} of {module}, which is not loaded"
        by_hand = f"oad it, as in `cnnspec --plugin {module} predict …`"
        fix = f"Install the package {package}, or l{by_hand}" if package else f"L{by_hand}"
        raise CheckpointError(Problem(what, "", fix, place))
