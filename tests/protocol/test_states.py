"""The tables of states, held against RFC 6455 sections 1.4, 5.5 and 7."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.protocol.states import PHASES, TRANSITIONS, Phase, Side, State, Step


def reachable(start: Phase) -> set[Phase]:
    found = {start}
    while new := {after for phase in found for after in TRANSITIONS[phase].values()} - found:
        found |= new
    return found


def test_both_tables_know_every_phase() -> None:
    assert set(PHASES) == set(TRANSITIONS) == set(Phase)


def test_every_phase_is_reached_and_every_step_taken() -> None:
    assert reachable(Phase.CONNECTING) == set(Phase)
    assert {step for row in TRANSITIONS.values() for step in row} == set(Step)


def test_7_1_4_every_phase_ends_closed() -> None:
    for phase in Phase:
        assert Phase.CLOSED in reachable(phase)
    assert TRANSITIONS[Phase.CLOSED] == {}


def test_states_never_go_back() -> None:
    for phase, row in TRANSITIONS.items():
        for after in row.values():
            assert PHASES[after].state >= PHASES[phase].state


def test_5_5_1_no_data_after_a_close_frame_or_a_failure() -> None:
    assert [phase for phase in Phase if PHASES[phase].send_data] == [Phase.OPEN]


def test_5_5_2_pings_are_answered_until_a_close_frame_came() -> None:
    assert [phase for phase in Phase if PHASES[phase].send_control] == [Phase.OPEN, Phase.CLOSE_SENT]


def test_1_4_and_7_1_7_nothing_is_read_after_a_close_frame_or_a_failure() -> None:
    assert [phase for phase in Phase if PHASES[phase].receive] == [Phase.OPEN, Phase.CLOSE_SENT]


@pytest.mark.parametrize(
    ("phase", "sides"),
    [
        (Phase.CLOSE_SENT, ()),
        (Phase.CLOSE_DONE, (Side.SERVER,)),
        (Phase.FAILED, (Side.SERVER,)),
        (Phase.CLOSED, (Side.SERVER, Side.CLIENT)),
    ],
)
def test_7_1_1_the_server_shuts_down_first(phase: Phase, sides: tuple[Side, ...]) -> None:
    assert PHASES[phase].shut_down == sides


@pytest.mark.parametrize(
    ("steps", "phase"),
    [
        ([Step.OPENED], Phase.OPEN),
        ([Step.ENDED], Phase.CLOSED),
        ([Step.OPENED, Step.SENT_CLOSE, Step.RECEIVED_CLOSE], Phase.CLOSE_DONE),
        ([Step.OPENED, Step.RECEIVED_CLOSE, Step.SENT_CLOSE, Step.ENDED], Phase.CLOSED),
        ([Step.OPENED, Step.SENT_CLOSE, Step.FAILED], Phase.FAILED),
        ([Step.OPENED, Step.FAILED, Step.ENDED], Phase.CLOSED),
    ],
)
def test_ways_through_the_table(steps: list[Step], phase: Phase) -> None:
    now = Phase.CONNECTING
    for step in steps:
        now = TRANSITIONS[now][step]
    assert now is phase


def test_5_5_1_one_close_frame_each_way() -> None:
    for step in (Step.SENT_CLOSE, Step.RECEIVED_CLOSE):
        after = TRANSITIONS[Phase.OPEN][step]
        assert all(step not in TRANSITIONS[phase] for phase in reachable(after))


def test_values_are_those_of_the_browsers() -> None:
    assert [state.value for state in State] == [0, 1, 2, 3]


def test_the_documentation_has_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs/internals/protocol.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 6 and row[0].startswith("`")}
    assert set(told) == {phase.name for phase in Phase}
    for phase, may in PHASES.items():
        state, data, control, receive, shut_down = told[phase.name]
        assert state == may.state.name
        assert (data, control) == ("yes" if may.send_data else "no", "yes" if may.send_control else "no")
        assert (receive == "parsed") is may.receive
        assert shut_down.split(";")[0] == {0: "no", 1: "server", 2: "both"}[len(may.shut_down)]
