"""Lines of keys: every way to write one that TOML knows."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.config.key_lines import key_lines

DOCUMENT = '''\
# a = 1
a = 1 # b = 2
"b" = "x # y = 1"
'c' = 'z'
d.e = true

[f]
g = """
h = 1
\\""" still
"""
i = \'\'\'
j = 1\'\'\'
k = [
  1, # comment ] with a bracket
  [2, "]"],
  { l = 3, m.n = "}" },
]
o = { p = { q = 1 }, r = [] }
s = 1979-05-27 07:32:00
[ "t.u" . v ]
w=1
[["x y"]]
z = -1.5e3
[namespaces.""]
history = 10
'''

LINES = {
    ("a",): 2,
    ("b",): 3,
    ("c",): 4,
    ("d",): 5,
    ("d", "e"): 5,
    ("f",): 7,
    ("f", "g"): 8,
    ("f", "i"): 12,
    ("f", "k"): 14,
    ("f", "k", "l"): 17,
    ("f", "k", "m"): 17,
    ("f", "k", "m", "n"): 17,
    ("f", "o"): 19,
    ("f", "o", "p"): 19,
    ("f", "o", "p", "q"): 19,
    ("f", "o", "r"): 19,
    ("f", "s"): 20,
    ("t.u",): 21,
    ("t.u", "v"): 21,
    ("t.u", "v", "w"): 22,
    ("x y",): 23,
    ("x y", "z"): 24,
    ("namespaces",): 25,
    ("namespaces", ""): 25,
    ("namespaces", "", "history"): 26,
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_way_to_write_a_key(end: str) -> None:
    text = DOCUMENT.replace("\n", end)
    tomllib.loads(text)
    assert key_lines(text) == LINES


def test_escapes_in_keys() -> None:
    assert key_lines('\n"\\u0061\\"b" = 1') == {('a"b',): 2}


def test_an_empty_document_has_none() -> None:
    assert key_lines("") == {}
    assert key_lines("\n# nothing\n") == {}


KEYS = st.text(st.sampled_from("ab-_."), min_size=1, max_size=3)
SCALARS = (
    st.integers()
    | st.booleans()
    | st.sampled_from(["x", "#", "]", "}", '"', "'", "=", "\n", "\\", '"""', "a = 1"])
)


def written(value: Any) -> str:
    """A value as TOML, with strings in the way that needs the fewest escapes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""{escaped}"""' if "\n" in value else f'"{escaped}"'
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list) else str(value)


@given(
    st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=5),
    st.dictionaries(KEYS.map("t{}".format), st.dictionaries(KEYS, SCALARS, max_size=3), max_size=3),
)
def test_the_line_found_is_the_one_where_it_was_written(
    top: dict[str, Any], tables: dict[str, dict[str, Any]]
) -> None:
    text = ""
    wanted = {}
    for name, value in top.items():
        wanted[name,] = text.count("\n") + 1
        text += f'"{name}" = {written(value)} # x = 1\n'
    for table, values in tables.items():
        wanted.setdefault((table,), text.count("\n") + 1)
        text += f'["{table}"]\n'
        for name, value in values.items():
            wanted[table, name] = text.count("\n") + 1
            text += f"'{name}' = {written(value)}\n"
    if not set(top) & set(tables):
        tomllib.loads(text)
        assert key_lines(text) == wanted


@given(st.text(st.sampled_from("[]{}=.,'\"#\\ \na1")))
def test_what_is_no_toml_ends_too(text: str) -> None:
    key_lines(text)
