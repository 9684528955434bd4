"""Plain values to YAML text that reads back as the same values."""

import re
from typing import Any

import yaml

from cnnspec.language.source import NUMBER_LIKE


class _Dumper(yaml.SafeDumper):
    """Makes no anchors, and quotes text that YAML 1.2 would read as a number, not only YAML 1.1."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(f"(?:{NUMBER_LIKE.pattern})$"), list("-+.0123456789")
)


def to_yaml(values: dict[str, Any]) -> str:
    """Return values as YAML, the innermost mappings and lists on one line each."""
    options: dict[str, Any] = {
        "sort_keys": False,
        "default_flow_style": None,
        "width": 110,
        "allow_unicode": True,
    }
    return str(yaml.dump(values, Dumper=_Dumper, **options))
