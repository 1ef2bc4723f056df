"""Condition trees nobody thought of, for tests of everything that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from mailer.audience.conditions import EVER, FIELDS, Node, all_of, any_of, leaf, none_of

DAY_VALUES = (">=2025-03-01", "<2025-03-01", ">2025-05-31", "<=2025-01-31")


def leaves(values: Mapping[str, Sequence[str]]) -> st.SearchStrategy[Node]:
    """One condition with values of its field among these."""
    return st.sampled_from([name for name in FIELDS if values.get(name)]).flatmap(
        lambda name: st.lists(
            st.sampled_from(values[name]), min_size=1, max_size=1 if name in EVER else 3
        ).map(lambda texts: leaf(name, texts))
    )


def trees(values: Mapping[str, Sequence[str]]) -> st.SearchStrategy[Node]:
    """A tree of such conditions, nested any way."""
    return st.recursive(
        leaves(values),
        lambda inner: st.tuples(
            st.sampled_from([all_of, any_of, none_of]),
            st.lists(inner, min_size=1, max_size=3),
        ).map(lambda made: made[0](made[1])),
        max_leaves=8,
    )
