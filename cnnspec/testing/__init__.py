"""The harness that every layer is held to: ours, and those of other packages.

It looks at a layer's own `cases`, and needs no test framework:

>>> check_layer(Swish)

With pytest, each check is a test of its own:

>>> @pytest.mark.parametrize("check", checks(Swish), ids=str)
... def test_swish(check: Check) -> None:
...     check()
"""

from cnnspec.testing.checks import Check, check_layer, checks

__all__ = ["Check", "check_layer", "checks"]
