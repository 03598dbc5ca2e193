"""What the document begins with, and what the calls of the editing page may say."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc, Text

from openline.hub import Refused
from openline.playground.pages import editing_sample as sample


def test_the_first_words_are_written_once() -> None:
    doc: Doc[Any] = Doc()
    sample.begin(doc)
    sample.begin(doc)
    assert str(doc.get(sample.TEXT, type=Text)) == sample.FIRST


def test_labels_are_cut_and_cleaned() -> None:
    assert sample.label_of({"label": "  a \n b  "}) == "a b"
    assert len(sample.label_of({"label": "x" * 500})) == sample.LONGEST_LABEL
    for data in (None, [], {}, {"label": 1}):
        with pytest.raises(Refused):
            sample.label_of(data)


def test_numbers_are_numbers() -> None:
    assert sample.number_of({"number": 7}) == 7
    for number in (0, -1, True, "7", None, 1.5, 2**60):
        with pytest.raises(Refused):
            sample.number_of({"number": number})


def test_a_visitor_has_the_name_that_the_hub_knows() -> None:
    class Somebody:
        info: bytes | None = b'{"name":"Quiet Fox"}'

    somebody: Any = Somebody()
    assert sample.name_of(somebody) == "Quiet Fox"
    for info in (None, b"{}", b"[]", b'{"name":1}'):
        somebody.info = info
        assert sample.name_of(somebody) == ""
