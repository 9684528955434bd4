"""Lines that import something, put together and sorted as isort and Ruff sort them."""

import sys
from collections.abc import Iterable


def import_lines(lines: Iterable[str]) -> str:
    """Return lines that import one name each as those of a file: Python's own first, each module once."""
    plain: set[str] = set()
    members: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("import "):
            plain.add(line)
        else:
            _, module, _, name = line.split(" ", 3)
            members.setdefault(module, set()).add(name)
    parts = []
    for standard in (True, False):
        chosen = sorted((line for line in plain if _is_standard(line) == standard), key=str.lower)
        for module in sorted(members, key=str.lower):
            line = f"from {module} import {', '.join(sorted(members[module], key=_rank))}"
            if _is_standard(line) == standard:
                chosen.append(line)
        parts += ["\n".join(chosen)] if chosen else []
    return "\n\n".join(parts)


def _is_standard(line: str) -> bool:
    """Tell whether a line imports a module that comes with Python."""
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _rank(member: str) -> tuple[bool, bool, str]:
    """Return what the names that are imported from a module are sorted by: constants, classes, others."""
    name = member.partition(" ")[0]
    return not (name.isupper() and len(name) > 1), not name[:1].isupper(), member
