"""Plain values to YAML text that reads back as the same values."""

from typing import Any

import yaml


def to_yaml(values: dict[str, Any]) -> str:
    """Return values as YAML, the innermost mappings and lists on one line each."""
    return yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
