"""Expressions that give certain numbers from others: what a person would write, and nothing by chance."""

from collections.abc import Mapping
from fractions import Fraction

from cnnspec.importing.fold.items import Expr
from cnnspec.language.arithmetic import make_divisible

Numbers = Mapping[int, int]
"""A whole number for each row."""

_DIVISOR = 8
"""What MobileNets and their kin make their channels divisible by."""


def form(name: str, base: Numbers, wanted: Numbers) -> Expr | None:
    """Return an expression of one name that gives the wanted numbers in all rows; None where there is none.

    Of rows that are all the same nothing is known, so the base must have several values there.
    """
    rows = list(wanted)
    if not all(row in base for row in rows):
        return None
    values = {base[row] for row in rows}
    if all(base[row] == wanted[row] for row in rows):
        return Expr(name)
    if len(values) < 2:
        return None
    first = rows[0]
    ratio = Fraction(wanted[first], base[first]) if base[first] else Fraction(0)
    if ratio.denominator == 1 and ratio > 1 and all(base[r] * ratio == wanted[r] for r in rows):
        return Expr(f"{ratio} * {name}")
    if ratio.numerator == 1 and all(wanted[r] * ratio.denominator == base[r] for r in rows):
        return Expr(f"{name} // {ratio.denominator}")
    return _rounded(name, base, wanted) if len(values) > 2 else None


def _rounded(name: str, base: Numbers, wanted: Numbers) -> Expr | None:
    """Return a part of one number, rounded as the papers round it."""
    for part in (2, 3, 4, 6, 8, 16):
        if all(wanted[r] == base[r] // part for r in wanted):
            return Expr(f"{name} // {part}")
        if all(wanted[r] == max(1, base[r] // part) for r in wanted):
            return Expr(f"max(1, {name} // {part})")
        if all(wanted[r] == round(base[r] / part) for r in wanted):
            return Expr(f"round({name} / {part})")
        if all(wanted[r] == make_divisible(base[r] // part, _DIVISOR) for r in wanted):
            return Expr(f"make_divisible({name} // {part}, {_DIVISOR})")
    return None


def mostly(name: str, base: Numbers, wanted: Numbers) -> tuple[Expr, Numbers] | None:
    """Return an expression that gives the wanted number in nearly all rows, and those with their numbers."""
    ratios: dict[Fraction, list[int]] = {}
    for row in wanted:
        if base.get(row):
            ratios.setdefault(Fraction(wanted[row], base[row]), []).append(row)
    if not ratios:
        return None
    rows = max(ratios.values(), key=len)
    chosen = {row: wanted[row] for row in rows}
    if len(rows) < 3 or 8 * (len(wanted) - len(rows)) > len(wanted):
        return None
    found = form(name, base, chosen)
    return (found, chosen) if found and found != name else None
