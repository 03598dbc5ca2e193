"""The compressor: whatever it is given comes back from zlib, it is bounded, and about as small as zlib makes it."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator

import pytest

from openline.engine.native.compressor import Compressor

pytestmark = pytest.mark.native

BITS = range(9, 16)
END = b"\x00\x00\xff\xff"


def events(count: int) -> Iterator[bytes]:
    """Messages as an application sends them: the same keys, other values."""
    draw = random.Random("events")
    words = "order room paid open draft light water stone green north".split()
    for number in range(count):
        event = {
            "id": draw.randrange(10**9),
            "type": draw.choice(words),
            "user": {"id": draw.randrange(10**6), "name": draw.choice(words)},
            "price": round(draw.uniform(1, 5000), 2),
            "text": " ".join(draw.choices(words, k=number % 40)),
        }
        yield json.dumps(event).encode()


def random_messages(draw: random.Random) -> Iterator[bytes]:
    """Of all sizes and kinds: noise, repetitions near and far, runs, few symbols, none at all."""
    noise = draw.randbytes(70_000)
    yield b""
    for _ in range(60):
        size = draw.choice([1, 2, 3, 4, 5, 31, 258, 259, 600, 4096, 5000, 33_000])
        match draw.randrange(6):
            case 0:
                yield draw.randbytes(size)
            case 1:
                yield bytes([draw.randrange(256)]) * size
            case 2:
                start = draw.randrange(len(noise) - size)
                yield noise[start : start + size]
            case 3:
                yield bytes(draw.choices(b"ab", k=size))
            case 4:
                yield (draw.randbytes(draw.randrange(1, 300)) * size)[:size]
            case _:
                yield bytes(draw.choices(range(256), weights=range(1, 257), k=size))


@pytest.mark.parametrize("bits", BITS)
def test_whatever_goes_in_comes_out_again(bits: int) -> None:
    draw = random.Random(bits)
    compressor, inflator = Compressor(bits), zlib.decompressobj(-bits)
    for message in random_messages(draw):
        compressed = compressor.compress(message)
        assert compressed.endswith(END)
        assert inflator.decompress(compressed) == message
        assert len(compressed) <= len(message) + len(message) // 4 + 64


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_one_message_longer_than_many_windows(bits: int) -> None:
    draw = random.Random("long")
    message = b"".join(events(6000)) + draw.randbytes(200_000) + bytes(200_000)
    compressed = Compressor(bits).compress(message)
    assert zlib.decompressobj(-bits).decompress(compressed) == message
    assert len(compressed) < len(message) * 0.7


def test_noise_is_stored() -> None:
    noise = random.Random("noise").randbytes(60_000)
    assert len(Compressor(15).compress(noise)) < len(noise) + 50


def test_codes_of_every_length_are_described() -> None:
    # Frequencies as Fibonacci's numbers make codes longer than the 15 bits that there are.
    frequencies = [1, 1]
    while len(frequencies) < 18:
        frequencies.append(frequencies[-1] + frequencies[-2])
    symbols = [symbol for symbol, count in enumerate(frequencies) for _ in range(count)]
    random.Random("codes").shuffle(symbols)
    message = bytes(symbols)
    assert zlib.decompressobj(-9).decompress(Compressor(9).compress(message)) == message


@pytest.mark.parametrize("bits", BITS)
def test_it_is_about_as_small_as_zlib_makes_it(bits: int) -> None:
    ours, theirs = Compressor(bits), zlib.compressobj(wbits=-bits, memLevel=5)
    our_size = their_size = 0
    for message in events(2000):
        our_size += len(ours.compress(message))
        their_size += len(theirs.compress(message) + theirs.flush(zlib.Z_SYNC_FLUSH))
    # Without matches of three bytes very short messages lose most; those of some hundred bytes are within 5 %.
    assert our_size < their_size * 1.1


def test_a_new_one_knows_nothing_of_the_last() -> None:
    message = b"what was said before " * 3
    for _ in range(20):  # more than are kept
        first = Compressor(12).compress(message)
        assert zlib.decompressobj(-12).decompress(first) == message
        others = [Compressor(12) for _ in range(6)]
        assert {other.compress(message) for other in others} == {first}


def test_windows_that_there_are_not() -> None:
    for bits in (0, 8, 16, 40):
        with pytest.raises(ValueError, match="between 9 and 15"):
            Compressor(bits)
    with pytest.raises(TypeError):
        Compressor(12).compress(bytearray(b"no"))  # type: ignore[arg-type]
