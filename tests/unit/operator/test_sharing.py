"""Equal parts of objects are held once."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mintworks_operator.sharing import Sharing

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 1) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=8), st.integers(0, 20))
def test_a_shared_value_says_what_the_value_says(values: list[Any], most: int) -> None:
    sharing = Sharing(most)
    before = copy.deepcopy(values)
    for value in values:
        # As text: 1 is equal to true, and to 1.0.
        assert json.dumps(sharing.shared(value)) == json.dumps(value)
    assert values == before


def test_equal_parts_are_one() -> None:
    sharing = Sharing()
    one = sharing.shared(json.loads('{"name": "a", "spec": {"keys": ["x", 1], "on": true}}'))
    other = sharing.shared(json.loads('{"name": "b", "spec": {"keys": ["x", 1], "on": true}}'))
    assert one["spec"] is other["spec"]
    assert one is not other


def test_what_is_equal_only_to_python_stays_apart() -> None:
    sharing = Sharing()
    values: list[Any] = [{"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": None}, {"a": []}, {"a": {}}]
    assert [json.dumps(sharing.shared(value)) for value in values] == [json.dumps(value) for value in values]
