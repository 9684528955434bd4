"""Pickles read as data: plain values come out as unpickling would give them, and nothing is ever run."""

import hashlib
import pickle
from typing import Any

import numpy as np
import pytest
from format_files import python2_pickle
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.data.formats import pickled

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(PLAIN)
def test_plain_values(plain: Any) -> None:
    """Numbers, texts, lists, tuples and dictionaries, shared ones too, are what unpickling gives."""
    shared = [plain, {"a": plain, "b": [plain] * 2}, ()]
    assert pickled.value(pickle.dumps(shared, 2)) == shared


@settings(max_examples=50)
@given(
    st.dictionaries(st.text(st.characters(max_codepoint=255), max_size=300), st.integers(-(2**31), 2**31 - 1))
)
def test_python2(plain: dict[str, int]) -> None:
    """Python 2's texts become texts of the same characters, as `encoding="latin1"` makes of them."""
    data = python2_pickle(plain)
    assert pickled.value(data) == pickle.loads(data, encoding="latin1") == plain  # noqa: S301  # our own


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(order: Any) -> None:
    """An array of bytes is told by its shape, its order and its content."""
    rows = np.arange(24, dtype=np.uint8).reshape((4, 6), order=order)
    data = python2_pickle([rows])
    assert np.array_equal(pickle.loads(data, encoding="latin1")[0], rows)  # noqa: S301  # our own
    found = pickled.array(pickled.value(data)[0])
    assert found is not None
    assert np.array_equal(np.frombuffer(found.data, np.uint8).reshape(found.shape, order=order), rows)
    assert found.by_columns == (order == "F")


@pytest.mark.parametrize("value", [None, 3, "abc", [1], {"state": 1}, hashlib.sha256])
def test_no_arrays(value: Any) -> None:
    """Other values are no arrays."""
    assert pickled.array(pickled.value(pickle.dumps(value, 2))) is None


CALLS: list[bytes] = [b"\x80\x02cbuiltins\nexec\nU\x04failU\0\x86R.", b"cos\nsystem\n(U\x04failtR."]


@pytest.mark.parametrize("data", CALLS)
def test_calls_are_noted(data: bytes) -> None:
    """What unpickling would call is only a note of it."""
    found = pickled.value(data)
    assert isinstance(found, pickled.Call)
    assert found.name in ("builtins exec", "os system")


BROKEN = {
    "empty": b"",
    "no end": b"\x80\x02}",
    "only an end": b".",
    "two values": b"NN.",
    "unknown opcode": b"\xff.",
    "a number of another kind": b"G\0\0\0\0\0\0\0\0.",
    "old text that is evaluated": b"S'a'\n.",
    "an instance": b"(ios\nsystem\n.",
    "a persistent id": b"Pid\n.",
    "nothing kept": b"h\1.",
    "no mark": b"N\x85t.",
    "items for no list": b"N(NNe.",
    "keys without values": b"}(U\1au.",
    "a key that cannot be one": b"}(]Nu.",
    "values for no dictionary": b"](U\1aNu.",
    "a call of nothing": b"N)R.",
    "a state for nothing": b"N}b.",
    "a text too short": b"U\x0aabc.",
    "a length below 0": b"T\xff\xff\xff\xff.",
    "a huge length": b"T\xff\xff\xff\x7fabc.",
}  # fmt: skip


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes) -> None:
    """What is no pickle of plain values is refused with one error, which says why."""
    with pytest.raises(pickled.UnreadableError, match=r"it is no pickle of plain values: ."):
        pickled.value(data)
