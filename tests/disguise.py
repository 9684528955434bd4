"""Expressions for a value: random specs say with them what they could say plainly."""

from typing import Any

from reference import Names, evaluate


def forms(value: Any, names: Names) -> list[str]:
    """Return expressions that come to a value, if the names stand for what they should."""
    numbers = [n for n, v in names.items() if isinstance(v, int) and not isinstance(v, bool)]
    found = [n for n, v in names.items() if type(v) is type(value) and v == value]
    lists = {n: v for n, v in names.items() if isinstance(v, list) and v and isinstance(v[0], int)}
    test = f"{numbers[0]} == {names[numbers[0]]}" if numbers else "not false"
    if isinstance(value, bool):
        found += [f"{n} {sign} 2" for n in numbers for sign in ("==", "!=", ">", "<=")]
        found += [f"not {n}" for n, v in names.items() if isinstance(v, bool)]
        found += [f"{test} and {str(value).lower()}", f"1 < {numbers[0]} <= 3" if numbers else "1 >= 2"]
        return [*found, f"{str(value).lower()} if {test} else {str(not value).lower()}", "1 < 2 or 1 < 0"]
    if isinstance(value, str):
        return [*found, f"{value} if {test} else {value}"] if value.isidentifier() else found
    if isinstance(value, float):
        return [*found, f"{value} * 2 / 2", f"{value} if {test} else 0.5", f"max(0.01, {value})"]
    for n in numbers:
        found += [f"{n} + {value - names[n]}", f"{value} + 0 * {n}", f"{value} - {n} // ({n} + 1)"]
        found += [f"{n} * {value} / {n}", f"min({value}, {value} + {n} ** 2)", f"{value} if {n} > 0 else 1"]
    for n, v in lists.items():
        found += [f"{n}[0] + {value - v[0]}", f"{n}[-1] + {value - v[-1]}", f"sum({n}) + {value - sum(v)}"]
        found += [f"len({n}) + {value - len(v)}", f"max({n}) - {max(v) - value}"]
    if "grid" in names:
        found += [f"grid[0][1] + {value - names['grid'][0][1]}", f"grid[len(grid) - 1][0] * 0 + {value}"]
    found += [f"round({value} + 0.2)", f"ceil({value} - 0.5)", f"floor({value}.5)", f"abs(-{value})"]
    return [*found, f"make_divisible({value}, 1)", f"{value + 7} % 7", f"(2 * {value}) / 2"]


def equals(form: Any, value: Any, names: Names) -> bool:
    """Tell whether an expression comes to a value."""
    try:
        return bool(evaluate(form, names) == value)
    except ArithmeticError:
        return False
