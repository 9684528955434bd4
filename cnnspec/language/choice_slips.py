"""What to write instead of a choice that is none, such as ``optimizer: [adam]``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from cnnspec.errors import nearest, one_of, shown
from cnnspec.language.synonyms import FIELDS, NAMING, WORDS


@dataclass(frozen=True, slots=True)
class Slip:
    """A value that is no choice of the field `title`, whose names have these sections of options."""

    title: str
    sections: Mapping[str, type[BaseModel]]
    value: Any

    def error(self) -> PydanticCustomError:
        """Return the error that says what to write."""
        if isinstance(self.value, str):
            return self._word(self.value)
        if not isinstance(self.value, dict) or not self.value:
            return self._neither()
        names = [key for key in self.value if key in self.sections]
        if len(names) > 1:
            what = f"{self.title} names {' and '.join(names)}"
            return _error(what, "it is one of them", "Keep one", at=names[1])
        other = next((key for key in self.value if key not in names), None)
        return self._alone(names[0], at=names[0]) if other is None else self._key(other, names)

    def _word(self, word: str) -> PydanticCustomError:
        return self._alone(word) if word in self.sections else self._unknown(word)

    def _unknown(self, word: str, **place: str) -> PydanticCustomError:
        near = nearest(word, self.sections, WORDS)
        fix = f"Did you mean '{near}'?" if near else f"Use {one_of(self.sections)}"
        return _error(f"unknown {self.title} {shown(word)}", "", fix, **place)

    def _alone(self, name: str, **place: str) -> PydanticCustomError:
        """Return the error of a name without options."""
        needed = [key for key, info in self.sections[name].model_fields.items() if info.is_required()]
        if not needed:
            what, why = f"{name} is nothing", "it must be a mapping, or stand alone"
            return _error(what, why, f"Write `{self.title}: {name}`", **place)
        words = " and ".join(f"'{key}'" for key in needed)
        why = "there is no default" if len(needed) == 1 else "they have no defaults"
        return _error(f"{name} needs {words}", why, self._written(name, needed), **place)

    def _key(self, key: str, names: list[str]) -> PydanticCustomError:
        """Return the error of a key that is no name."""
        what = f"unknown field {shown(key)} of {self.title}"
        given = self.value[key]
        if key in NAMING and isinstance(given, str):
            name = given if given in self.sections else nearest(given, self.sections, WORDS)
            fix = f"Use {one_of(self.sections)}"
            if name:
                others = (FIELDS.get(other, other) for other in self.value if other not in (key, name))
                fix = self._written(name, list(others))
            return _error(what, "", fix, at=key)
        option = FIELDS.get(key, key)
        for name in names or self.sections:
            if option in self.sections[name].model_fields:
                fix = f"It belongs further in: `{name}: {{{option}: …}}`"
                return _error(what, "", fix, at=key)
        return _error(what, "", "Remove it", at=key) if names else self._unknown(key, at=key)

    def _neither(self) -> PydanticCustomError:
        """Return the error of what is neither a word nor a mapping with keys."""
        what = f"{self.title} is {'empty' if self.value == {} else shown(self.value)}"
        fix = ""
        if isinstance(self.value, list) and len(self.value) == 1:
            (one,) = self.value
            fix = f"Write `{self.title}: {one}`" if isinstance(one, str) else "Remove the dash or brackets"
        return _error(what, f"it must be {one_of(self.sections)}", fix)

    def _written(self, name: str, options: list[str]) -> str:
        """Return the fix that says how a name is written with options."""
        inside = ", ".join(f"{option}: …" for option in options)
        return (
            f"Write `{self.title}: {{{name}: {{{inside}}}}}`" if inside else f"Write `{self.title}: {name}`"
        )


def _error(what: str, why: str, fix: str, **place: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "not allowed", {"sentence": what, "why": why, "fix": fix, **place})
