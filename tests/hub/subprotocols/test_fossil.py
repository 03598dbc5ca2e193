"""Deltas: what was made is what is got, by our own strict reader and by those of the SDKs."""

from __future__ import annotations

import base64
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from centrifuge.fossil import apply_delta as apply_in_python_sdk
from hypothesis import example, given
from hypothesis import strategies as st

from openline.hub.publication import Payload, Publication
from openline.hub.subprotocols.base import Subprotocol
from openline.hub.subprotocols.centrifuge_json import JSON
from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF
from openline.hub.subprotocols.fossil import MAX_SEARCHED, MAX_SIZE, apply_delta, create_delta

RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей же чаю. "
ALPHABET = "ab аб\U0001f600\U0001f601éè{}\n"


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with parts replaced, moved and repeated."""
    words = st.text(ALPHABET, max_size=40)
    base = (
        draw(words) + draw(st.sampled_from(["", RUSSIAN, RUSSIAN * 3, "0123456789abcdef" * 5])) + draw(words)
    )
    target = base
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(target)))
        stop = draw(st.integers(start, min(len(target), start + 50)))
        part = draw(st.sampled_from([target[start:stop] * 2, "", draw(words), target[:start]]))
        target = target[:start] + part + target[stop:]
    return base, target


@given(texts=edits())
@example(texts=("", ""))
@example(texts=("", "a"))
@example(texts=("a", ""))
@example(texts=("\U0001f600", "\U0001f601"))
def test_texts(texts: tuple[str, str]) -> None:
    base, target = (text.encode() for text in texts)
    delta = create_delta(base, target, text=True)
    assert delta is not None
    delta.decode()
    assert apply_delta(base, delta) == target
    assert apply_in_python_sdk(base, delta) == target


@given(base=st.binary(max_size=300), target=st.binary(max_size=300), common=st.binary(max_size=100))
def test_bytes(base: bytes, target: bytes, common: bytes) -> None:
    base, target = base + common + base, common + target + common
    delta = create_delta(base, target)
    assert delta is not None
    assert apply_delta(base, delta) == target
    assert apply_in_python_sdk(base, delta) == target


def test_every_letter_of_a_russian_text() -> None:
    # Letters that differ in their second byte only: cut there, half of them would be broken.
    text = RUSSIAN * 2
    for place in range(len(text)):
        for letter in "аяёp\U0001f600":
            changed = (text[:place] + letter + text[place + 1 :]).encode()
            delta = create_delta(text.encode(), changed, text=True)
            assert delta is not None
            delta.decode()
            assert apply_delta(text.encode(), delta) == changed
            assert len(delta) < 40


def test_by_hand() -> None:
    assert create_delta(b"", b"") == b"0\n0;"
    assert create_delta(b"", b"abcde") == b"5\n5:abcde36ObD_;"  # 0x61626364 + 0x65000000
    # 64 is "10"; the checksum of 16 words of 0x61616161 is 0x16161610.
    assert create_delta(b"a" * 64, b"a" * 64) == b"10\n10@0,M5XOG;"
    assert create_delta(b"The quick brown fox", b"The quick green fox") == b"J\nA@0,4:gree5@E,3xpmlL;"


def test_parts_between_the_first_and_the_last_difference_are_found() -> None:
    names = [
        f'{{"id":{number},"name":"player {number}","x":{number * 7919 % 1000}}}' for number in range(100)
    ]
    base = ",".join(names).encode()
    for number in (3, 50, 97):
        names[number] = names[number].replace('"x":', '"x":-')
    assert len(create_delta(base, ",".join(names).encode()) or b"") < 80
    # Moved, and repeated.
    assert len(create_delta(base, base[2000:] + base[:2000]) or b"") < 40
    assert len(create_delta(base, base * 3) or b"") < 60


def test_what_is_too_large_gets_no_delta() -> None:
    most = bytes(MAX_SIZE)
    assert create_delta(most, most) is not None
    assert create_delta(most + b"a", b"a") is None
    assert create_delta(b"a", most + b"a") is None


def test_a_long_difference_is_inserted_unsearched() -> None:
    middle = random.Random(1).randbytes(MAX_SEARCHED)
    base = b"begin" * 10 + middle + b"end" * 10
    for part, searched in ((middle, True), (middle + b"!", False)):
        # All but the first and the last byte of the middle could be copied.
        target = b"begin" * 10 + b"!" + part[1:-1] + b"!" + b"end" * 10
        delta = create_delta(base, target)
        assert delta is not None
        assert apply_delta(base, delta) == target
        assert (len(delta) < 100) is searched


@pytest.mark.parametrize(
    ("delta", "why"),
    [
        (b"", "number is missing"),
        (b"\n", "number is missing"),
        (b"6", "newline"),
        (b"6;", "newline"),
        (b"06\n6@0,2WPN7q;", "newline"),  # a zero before a number
        (b"0000000000000000\n", "newline"),
        (b"zzzzzzz\n", "newline"),  # larger than any size can be
        (b"6\n", "number is missing"),
        (b"6\n6", "no command"),
        (b"6\n6?0,0;", "no command"),
        (b"6\n6@", "number is missing"),
        (b"6\n6@0", "comma"),
        (b"6\n6@0;", "comma"),
        (b"6\n6@1,0;", "end of the base"),
        (b"6\n1@zzzzz,0;", "end of the base"),
        (b"6\n6:abc", "end of the delta"),
        (b"6\n6@0,0;", "checksum"),
        (b"6\n5@0,0;", "smaller"),
        (b"5\n6@0,0;", "larger"),
        (b"5\n6:abcdef0;", "larger"),
        (b"0\n0;0", "behind the end"),
        (b"0\n0;\n", "behind the end"),
    ],
)
def test_malformed_deltas_are_refused(delta: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        apply_delta(b"abcdef", delta)


@given(
    base=st.binary(max_size=50),
    delta=st.binary(max_size=30) | st.from_regex(rb"[0-9]\n([0-9][@:;,a-f0-9]){0,9};?"),
)
def test_any_bytes_as_a_delta(base: bytes, delta: bytes) -> None:
    try:
        target = apply_delta(base, delta)
    except ValueError:
        return
    made = create_delta(base, target)
    assert made is not None
    assert apply_delta(base, made) == target


def test_a_delta_for_another_base_is_refused() -> None:
    delta = create_delta(b"a" * 50 + b"b", b"a" * 50 + b"c")
    assert delta is not None
    with pytest.raises(ValueError, match="checksum"):
        apply_delta(b"z" * 50 + b"b", delta)


def documents(seed: int) -> Iterator[bytes]:
    """A document while it is being edited."""
    choice = random.Random(seed)
    words = ["булка", "чай", "\U0001f600", "hello", "é", '"', "\\", "\u2028"]
    lines = [RUSSIAN + str(number) for number in range(20)]
    for _ in range(30):
        at = choice.randrange(len(lines))
        line = lines[at]
        place = choice.randrange(len(line))
        lines[at] = line[:place] + choice.choice(words) + line[place + choice.randrange(3) :]
        if choice.random() < 0.3:
            lines.insert(choice.randrange(len(lines)), lines.pop(at))
        yield json.dumps({"lines": lines, "at": at}, ensure_ascii=choice.random() < 0.1).encode()


@pytest.mark.parametrize("subprotocol", [JSON, PROTOBUF], ids=lambda subprotocol: subprotocol.name)
def test_the_sdk_for_javascript_follows(javascript_sdk: Path, subprotocol: Subprotocol) -> None:
    streams = [list(documents(seed)) for seed in range(10)]
    sent: list[list[tuple[str, bool]]] = []
    for stream in streams:
        publications: list[tuple[str, bool]] = []
        base = None
        for document in stream:
            data, is_patch = subprotocol.delta_data(Publication(data=Payload(document)), base)
            raw = bytes(data)
            publications.append(
                (base64.b64encode(raw).decode() if subprotocol.binary else json.loads(raw), is_patch)
            )
            base = document
        assert [is_patch for _, is_patch in publications].count(True) > 20
        sent.append(publications)

    command = ["node", "delta.mjs", subprotocol.name]
    done = subprocess.run(
        command, cwd=javascript_sdk, input=json.dumps(sent), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    received = json.loads(done.stdout)
    if subprotocol.binary:
        assert [[base64.b64decode(data) for data in stream] for stream in received] == streams
    else:
        assert received == [[json.loads(document) for document in stream] for stream in streams]
