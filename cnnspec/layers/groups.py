"""The rule that groups must divide what they split, shared by all layers with groups."""

from cnnspec.errors import RuleError


def check_groups(groups: int, **numbers: int) -> None:
    """Raise RuleError where one of the numbers, such as ``channels=6``, has no equal part for each group."""
    for name, number in numbers.items():
        if number % groups:
            what = f"groups {groups} do not divide the {number} {name} of {{layer}}"
            why = "each group takes an equal part"
            fix = f"Use groups that divide {number}, such as {_nearest_divisor(number, groups)}"
            raise RuleError(what, why, fix, "groups")


def _nearest_divisor(number: int, wanted: int) -> int:
    divisors = (d for d in range(1, min(number, 4096) + 1) if number % d == 0)
    return min(divisors, key=lambda d: abs(d - wanted))
