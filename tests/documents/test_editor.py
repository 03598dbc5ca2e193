"""One connection: what it may, what is refused, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Map, Text

import openline
from openline.documents import editor as module
from openline.documents.messages import AwarenessEntry, awareness_message, update_message
from openline.hub import Disconnect, Refused, Unauthorized

from .editing import Peer, editor, made, serving, writable
from .test_updates import nested_values


async def test_who_may_only_read_reads_and_is_refused_when_he_writes() -> None:
    documents = made()

    @documents.on_open
    def may(session: Any, name: str) -> str:
        return "write" if session.user == "1" else "read"

    async with serving(documents) as address, editor(f"{address}/a?user=1") as writer:
        async with editor(f"{address}/a?user=2") as reader:
            writer.text += "hello"
            await reader.until(lambda: str(reader.text) == "hello")
            await reader.say(b"{}")
            await writer.until(lambda: writer.people)
            # What brings nothing is no writing.
            await reader.line.send(b"\x00\x01\x02\x00\x00")
            reader.text += "!"
            assert await reader.gone() == 4403
            assert reader.denied == [b"\x02\x00\x09read-only"]
        assert str((await documents.read("a")).get("t", type=Text)) == "hello"
        assert writer.closed is None


async def test_the_hub_says_who_it_is_and_the_hook_whether_he_may() -> None:
    documents = made()
    seen: list[tuple[str, str]] = []

    @documents.on_open
    async def may(session: Any, name: str) -> str:
        await asyncio.sleep(0)
        seen.append((session.user, name))
        if session.user != "1":
            raise Unauthorized
        return "write"

    async with serving(documents) as address:
        async with editor(f"{address}/some/where?user=1") as one:
            await one.until(lambda: one.synced)
        peer = Peer()
        await peer.connect(f"{address}/b?user=2")
        assert await peer.gone() == 4403
        assert peer.reason == "unauthorized"
        assert seen == [("1", "some/where"), ("2", "b")]
        assert documents.counters.opened == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused(103), 4403),
        (Refused(100), 4503),
        (Disconnect(4001, "of its own"), 4001),
        (Disconnect(3500), 4403),
        (ZeroDivisionError(), 4503),
    ],
)
async def test_whatever_the_hub_raises_has_a_code(error: Exception, code: int) -> None:
    documents = made()
    documents.hub.hooks._functions.clear()

    @documents.hub.on_connect
    def who(session: Any) -> str:
        raise error

    async with serving(writable(documents)) as address:
        peer = Peer()
        await peer.connect(f"{address}/a")
        assert await peer.gone() == code


async def test_sessions_end_as_those_of_the_hub_do() -> None:
    documents = writable(made())
    left: list[tuple[str, int]] = []

    @documents.hub.on_disconnect
    def bye(session: Any, code: int) -> None:
        left.append((session.user, code))

    async with serving(documents) as address:
        async with editor(f"{address}/a?user=1") as one, editor(f"{address}/a?user=2") as two:
            await one.until(lambda: one.synced)
            await two.until(lambda: two.synced)
            assert await documents.hub.disconnect("1") == 1
            assert await one.gone() == 4403, "3503: not to come back"
            assert await documents.hub.disconnect("2", code=3005) == 1
            assert await two.gone() == 3005, "expired: he may"
        async with editor(f"{address}/a?user=3") as three:
            await three.until(lambda: three.synced)
    assert left == [("1", 3503), ("2", 3005), ("3", 3000)]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x09",
        b"\x00\x02\x05a",
        b"\x00\x00\x02\x05\x00",
        b"\x01\x01\x07",
        update_message(b"\x01\x01"),
        update_message(nested_values(500)),
        update_message(nested_values(200_000)),
        "text",
    ],
)
async def test_malformed_frames_close_their_line_alone(frame: bytes | str) -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as bad:
        await bad.until(lambda: bad.synced)
        await bad.line.send(frame)
        assert await bad.gone() == 4400
        one.text += "on"
        async with editor(f"{address}/a") as late:
            await late.until(lambda: str(late.text) == "on")


async def test_what_is_too_large_closes_with_4413() -> None:
    documents = writable(
        made(max_update_size=1000, max_document_size=2000, max_types=5, max_awareness_size=100)
    )

    async def sent(frame: bytes) -> int:
        async with editor(f"{address}/a") as peer:
            await peer.until(lambda: peer.synced)
            await peer.line.send(frame)
            return await peer.gone()

    async with serving(documents) as address:
        peer = Peer()
        peer.text += "x" * 1001
        assert await sent(update_message(peer.doc.get_update())) == 4413
        assert await sent(update_message(b"x" * 100_000)) == 4413, "not even read"
        entry = AwarenessEntry(1, 1, b'"' + b"x" * 100 + b'"')
        assert await sent(awareness_message([entry])) == 4413
        peer = Peer()
        peer.doc["m"] = Map({str(number): Map() for number in range(6)})
        assert await sent(update_message(peer.doc.get_update())) == 4413
        async with editor(f"{address}/a") as one:
            await one.until(lambda: one.synced)
            for _ in range(3):
                one.text += "y" * 900
            assert await one.gone() == 4413
        assert len(str((await documents.read("a")).get("t", type=Text))) == 1800


async def test_a_name_that_no_document_has_is_malformed() -> None:
    documents = writable(made())
    async with serving(documents) as address:
        for path in ("/", "/%00", "/" + "a" * 300, "/a?" + "&".join(f"k{n}=1" for n in range(200))):
            peer = Peer()
            await peer.connect(address + path)
            assert await peer.gone() == 4400


async def test_large_updates_are_read_aside_and_in_their_order() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        await one.until(lambda: one.synced)
        for _ in range(3):
            one.text += "x" * 100_000
            one.text += "y"
        await two.until(lambda: len(str(two.text)) == 300_003)
        assert str(two.text) == ("x" * 100_000 + "y") * 3
        assert len("x" * 100_000) > module._LARGE


async def test_who_sends_too_fast_is_read_more_slowly_and_loses_nothing() -> None:
    documents = writable(made(update_rate=100.0))
    async with serving(documents) as address, editor(f"{address}/a") as one, editor(f"{address}/a") as two:
        await one.until(lambda: one.synced)
        for _ in range(260):
            one.text += "x"
        await two.until(lambda: str(two.text) == "x" * 260)
        assert documents.counters.throttled > 0


async def test_who_does_not_read_is_closed_and_syncs_again() -> None:
    documents = writable(made(max_document_size=2**21, max_unsent=2**16, byte_rate=None, update_rate=None))
    async with serving(documents, compression=None) as address, editor(f"{address}/a") as one:
        await one.until(lambda: one.synced)
        one.text.insert(0, "x")
        slow = Peer()
        await slow.connect(f"{address}/a")
        await slow.until(lambda: str(slow.text))
        await slow.stop_reading()
        for number in range(100):
            # Each replaces the last, so that the document stays small and the line does not.
            with one.doc.transaction():
                one.text.clear()
                one.text.insert(0, str(number) + "x" * 200_000)
            await one.say(b"{}", clock=number + 1)
            await one.until(lambda number=number: one.people and one.people[one.doc.client_id].clock > number)
            if documents.counters.closes:
                break
        assert documents.counters.closes == {3008: 1}
        await slow.line.close()
        await slow.connect(f"{address}/a")
        await slow.until(lambda: str(slow.text) == str(one.text))
        await slow.close()


async def test_a_page_of_elsewhere_must_not_connect() -> None:
    documents = writable(made())
    async with serving(documents) as address:
        with pytest.raises(Exception, match="403"):
            await Peer().connect(f"{address}/a", origin="https://evil.example")


async def test_a_cursor_comes_back_with_its_line() -> None:
    documents = writable(made())
    async with serving(documents) as address, editor(f"{address}/a") as one:
        two = Peer(client_id=77)
        await two.connect(f"{address}/a")
        await two.say(b'"here"', clock=3)
        await one.until(lambda: 77 in one.people)
        await two.cut()
        await one.until(lambda: 77 not in one.people)
        await two.connect(f"{address}/a")
        await two.say(b'"here"', clock=3)
        # The others would not believe the old clock: the server makes the client say it with the next.
        await two.until(lambda: 77 not in two.people)
        await two.say(b'"here"', clock=4)
        await one.until(lambda: 77 in one.people)
        await two.close()


async def test_who_is_gone_before_he_was_let_in_leaves_nothing() -> None:
    documents = made()
    asked, answer = asyncio.Event(), asyncio.Event()

    @documents.on_open
    async def may(session: Any, name: str) -> str:
        asked.set()
        await answer.wait()
        return "write"

    async with serving(documents) as address:
        peer = Peer()
        await peer.connect(f"{address}/a")
        await asked.wait()
        await peer.cut()
        answer.set()
        async with editor(f"{address}/b") as one:
            await one.until(lambda: one.synced)
        for one_document in documents._open.values():
            assert not one_document.editors


@pytest.mark.parametrize("question", [b"\x00\x00\x01\x00", b"\x03"], ids=["step 1", "awareness"])
async def test_a_frame_full_of_questions_is_answered_as_fast_as_the_answers_are_taken(
    question: bytes,
) -> None:
    # A few bytes ask for all that there is: where all answers were made at once, they would be gigabytes.
    size = 900_000
    documents = writable(made(max_unsent=1, max_document_size=2**20, max_awareness_size=size))
    async with serving(documents) as address, editor(f"{address}/a") as one:
        if question == b"\x03":
            await one.say(b'"' + b"x" * (size - 2) + b'"')
            await one.until(lambda: one.people)
        else:
            await documents.edit("a", lambda doc: doc.get("t", type=Text).insert(0, "x" * size))
        line = await openline.connect(f"{address}/a", max_size=None)
        await line.send(question * 100)
        answers = 0 if question != b"\x03" else -1  # who comes is told who is here, without asking
        async for frame in line:
            answers += len(frame) > size
            if answers == 100:
                break
        assert answers == 100
        await line.close()
        assert documents.counters.closes == {}
