"""Room: what each command does, for whom, and where it ends."""

from __future__ import annotations

import json

import pytest

from openline.playground.chat_room import (
    BURST,
    MAX_HISTORY,
    MAX_NAME,
    MAX_PEOPLE,
    MAX_REFUSALS,
    MAX_ROWS,
    MAX_TEXT,
    REFILL,
    Delivery,
    Fields,
    Flooding,
    Person,
    Room,
    RoomFull,
    To,
)

NOW = 100.0
TODAY = 1_700_000_000.0


def entered(room: Room, name: object) -> Person:
    person, _ = room.enter(name, NOW)
    return person


def said(room: Room, person: Person, text: object, now: float = NOW) -> list[Delivery]:
    return room.receive(person, {"type": "say", "text": text}, now, TODAY)


def welcome(deliveries: list[Delivery]) -> Fields:
    return next(message for to, message in deliveries if to is To.SENDER)


def test_a_newcomer_is_told_who_is_here_and_the_others_are_told_of_him() -> None:
    room = Room()
    ada = entered(room, "Ada")
    bob, deliveries = room.enter("Bob", NOW)
    assert [to for to, _ in deliveries] == [To.SENDER, To.OTHERS]
    assert welcome(deliveries)["you"] == bob.id
    assert welcome(deliveries)["people"] == [ada.card(), bob.card()]
    assert deliveries[1].message == {"type": "joined", "person": bob.card()}


def test_what_is_said_goes_to_all_and_into_the_history() -> None:
    room = Room()
    (delivery,) = said(room, entered(room, "Ada"), "  <b>hello</b> ")
    assert delivery.to is To.ALL
    line = delivery.message["line"]
    assert line == {"id": 1, "by": 1, "name": "Ada", "text": "<b>hello</b>", "at": TODAY * 1000}
    _, deliveries = room.enter("Bob", NOW)
    assert welcome(deliveries)["history"] == [line]


def test_the_history_keeps_the_last_hundred_lines() -> None:
    room = Room()
    ada = entered(room, "Ada")
    for number in range(MAX_HISTORY + 5):
        said(room, ada, str(number), now=NOW + number)
    _, deliveries = room.enter("Bob", NOW)
    history = welcome(deliveries)["history"]
    assert isinstance(history, list)
    assert [line["text"] for line in history] == [str(number) for number in range(5, MAX_HISTORY + 5)]


def test_typing_is_shown_to_the_others_and_ends_with_the_line() -> None:
    room = Room()
    ada = entered(room, "Ada")
    (delivery,) = room.receive(ada, {"type": "typing", "on": True}, NOW, TODAY)
    assert delivery == (To.OTHERS, {"type": "typing", "id": ada.id, "on": True})
    assert ada.typing
    said(room, ada, "done")
    assert not ada.typing


def test_who_leaves_is_gone_and_told_of_once() -> None:
    room = Room()
    ada = entered(room, "Ada")
    assert room.leave(ada) == [(To.OTHERS, {"type": "left", "id": ada.id})]
    assert room.leave(ada) == []
    assert not room.people


def test_a_name_is_unique_whatever_its_case() -> None:
    room = Room()
    names = [entered(room, name).name for name in ("Ada", "ada", "ADA", None, "Guest")]
    assert names == ["Ada", "ada 2", "ADA 3", "Guest", "Guest 2"]


def test_a_long_name_stays_within_its_bound_when_numbered() -> None:
    room = Room()
    long = "x" * 100
    assert entered(room, long).name == "x" * MAX_NAME
    second = entered(room, long).name
    assert len(second) <= MAX_NAME
    assert second.endswith(" 2")


def test_a_new_name_is_told_to_all_and_may_be_the_old_one() -> None:
    room = Room()
    ada = entered(room, "Ada")
    entered(room, "Bob")
    rename = {"type": "rename", "name": "Ada"}
    assert room.receive(ada, rename, NOW, TODAY) == [
        (To.ALL, {"type": "renamed", "id": ada.id, "name": "Ada"})
    ]
    room.receive(ada, {"type": "rename", "name": "bob"}, NOW, TODAY)
    assert ada.name == "bob 2"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("A\u0000d\u202ea\u200b", "Ada"),  # control, direction override, zero width
        ("A\u2028d\u2029a\n\tb", "A d a b"),  # separators become spaces
        ("Z\u0310\u0311\u0312\u0313\u0314a", "Z\u0310\u0311a"),  # a pile of marks paints over its neighbours
        ("A\ud800da", "Ada"),  # half a surrogate pair cannot be sent
        ("  A   d  ", "A d"),
        ("\u200b", "Guest"),
        (17, "Guest"),
        ({"name": "Ada"}, "Guest"),
        ("<script>", "<script>"),  # text is for the page to show as text
    ],
)
def test_names_are_cleaned(sent: object, kept: str) -> None:
    assert entered(Room(), sent).name == kept


def test_a_line_keeps_its_rows_up_to_a_bound() -> None:
    room = Room()
    ada = entered(room, "Ada")
    (delivery,) = said(room, ada, "\n".join("abcdefghijklmnopqrstuvwxyz"))
    line = delivery.message["line"]
    assert isinstance(line, dict)
    assert line["text"] == "\n".join("abcdefghijk") + "\nl m n o p q r s t u v w x y z"
    assert line["text"].count("\n") == MAX_ROWS - 1


def test_a_line_is_cut_at_its_bound() -> None:
    room = Room()
    (delivery,) = said(room, entered(room, "Ada"), "é" * (MAX_TEXT + 1))
    line = delivery.message["line"]
    assert isinstance(line, dict)
    assert len(line["text"]) == MAX_TEXT


def test_what_cannot_be_encoded_is_not_sent_on() -> None:
    room = Room()
    (delivery,) = said(room, entered(room, "Ada"), json.loads(r'"lone \ud83d surrogate"'))
    assert "lone surrogate" in delivery.serialize().encode().decode()


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"type": "shout"},
        {"type": None},
        {"type": ["say"]},
        {"type": "say"},
        {"type": "say", "text": 5},
        {"type": "say", "text": " \n "},
        {"type": "say", "text": "\u0000"},
    ],
)
def test_a_wrong_command_is_refused_to_its_sender_alone(command: dict[str, object]) -> None:
    room = Room()
    (delivery,) = room.receive(entered(room, "Ada"), command, NOW, TODAY)
    assert delivery.to is To.SENDER
    assert delivery.message["type"] == "refused"
    assert not room.history


def test_who_is_too_fast_is_refused_until_time_has_passed() -> None:
    room = Room()
    ada = entered(room, "Ada")
    for _ in range(int(BURST)):
        assert said(room, ada, "hello")[0].to is To.ALL
    assert said(room, ada, "hello")[0].message["type"] == "refused"
    assert said(room, ada, "hello", now=NOW + 1 / REFILL)[0].to is To.ALL
    assert said(room, ada, "hello", now=NOW + 1 / REFILL)[0].to is To.SENDER


def test_one_persons_haste_does_not_slow_the_others() -> None:
    room = Room()
    ada, bob = entered(room, "Ada"), entered(room, "Bob")
    while said(room, ada, "hello")[0].to is To.ALL:
        pass
    assert said(room, bob, "hello")[0].to is To.ALL


def test_who_goes_on_after_many_refusals_floods() -> None:
    room = Room()
    ada = entered(room, "Ada")
    for _ in range(MAX_REFUSALS):
        room.receive(ada, {}, NOW, TODAY)
    with pytest.raises(Flooding):
        room.receive(ada, {}, NOW, TODAY)


def test_a_command_that_is_accepted_clears_the_refusals() -> None:
    room = Room()
    ada = entered(room, "Ada")
    for _ in range(3):
        for _ in range(MAX_REFUSALS):
            room.receive(ada, {}, NOW, TODAY)
        assert said(room, ada, "hello")[0].to is To.ALL


def test_a_full_room_lets_nobody_in_until_somebody_leaves() -> None:
    room = Room()
    people = [entered(room, "Guest") for _ in range(MAX_PEOPLE)]
    assert len({person.name for person in people}) == MAX_PEOPLE
    with pytest.raises(RoomFull):
        room.enter("Ada", NOW)
    room.leave(people[0])
    assert entered(room, "Ada").name == "Ada"
