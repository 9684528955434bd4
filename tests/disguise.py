"""Expressions for a value: random specs say with them what they could say plainly."""

from typing import Any

from reference import Names, evaluate


def numbers(names: Names) -> list[str]:
    """Return the names of numbers."""
    return [name for name, value in names.items() if is_number(value)]


def is_number(value: Any) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def forms(value: Any, names: Names, number: str) -> list[str]:
    """Return expressions that come to a value, or nearly do so; some name `number`, a number."""
    same = [name for name, one in names.items() if type(one) is type(value) and one == value]
    test = f"{number} == {names[number]}"
    if isinstance(value, bool):
        return [*same, *_truths(value, names, number, test)]
    if isinstance(value, str):
        return [*same, f"{value} if {test} else {value}"] if value.isidentifier() else same
    if isinstance(value, float):
        return [*same, f"{value} * 2 / 2", f"{value} if {test} else 0.5", f"max(0.01, {value})"]
    return [*same * 3, *_about(value, names[number], number), *_of_lists(value, names), *_plain(value)]


def _truths(value: bool, names: Names, number: str, test: str) -> list[str]:
    word, other = str(value).lower(), str(not value).lower()
    found = [f"{number} {sign} 2" for sign in ("==", "!=", ">", "<=")]
    found += [f"not {name}" for name, one in names.items() if isinstance(one, bool)]
    return [*found, f"{test} and {word}", f"1 < {number} <= 3", f"{word} if {test} else {other}"]


def _about(value: int, number: int, name: str) -> list[str]:
    found = [f"{name} + {value - number}", f"{value} + 0 * {name}", f"{value} - {name} // ({name} + 1)"]
    found += [f"{name} * {value} / {name}", f"min({value}, {value} + {name} ** 2)"]
    return [*found, f"{value} if {name} > 0 else 1", f"2 * {name} - {2 * number - value}"]


def _of_lists(value: int, names: Names) -> list[str]:
    found = []
    for name, one in names.items():
        if isinstance(one, list) and is_number(one[0]):
            found += [f"{name}[0] + {value - one[0]}", f"{name}[-1] + {value - one[-1]}"]
            found += [f"sum({name}) + {value - sum(one)}", f"len({name}) + {value - len(one)}"]
        elif isinstance(one, list):
            found += [f"{name}[0][1] + {value - one[0][1]}", f"{name}[len({name}) - 1][0] * 0 + {value}"]
    return found


def _plain(value: int) -> list[str]:
    found = [f"round({value} + 0.2)", f"ceil({value} - 0.5)", f"floor({value}.5)", f"abs(-{value})"]
    return [*found, f"make_divisible(8 * {value}, 8) // 8", f"{value + 7} % 7", f"(2 * {value}) / 2"]


def equals(form: Any, value: Any, names: Names) -> bool:
    """Tell whether an expression comes to a value."""
    try:
        return bool(evaluate(form, names) == value)
    except ArithmeticError:
        return False
