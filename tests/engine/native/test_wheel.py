"""The timer wheel against a dictionary of due times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.engine.native.wheel import WheelProbe

pytestmark = pytest.mark.native

YEAR = 31_536_000_000
NAMES = st.sampled_from("abcdefgh")
# Around the borders of the levels, where a digit of 6 bits carries into the next.
DELAYS = st.one_of(
    st.integers(0, 200),
    st.integers(0, YEAR),
    st.builds(lambda level, off: max(0, 64**level + off), st.integers(1, 5), st.integers(-2, 2)),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arm"), NAMES, DELAYS),
        st.tuples(st.just("disarm"), NAMES),
        st.tuples(st.just("advance"), DELAYS),
    ),
    max_size=60,
)


class Model:
    """What the wheel promises, without its speed."""

    def __init__(self) -> None:
        self.now = 0
        self.due: dict[str, int] = {}

    def arm(self, name: str, due: int) -> None:
        self.due[name] = max(due, self.now + 1)

    def advance(self, now: int) -> list[tuple[int, str]]:
        self.now = max(now, self.now)
        expired = sorted((due, name) for name, due in self.due.items() if due <= self.now)
        for _, name in expired:
            del self.due[name]
        return expired


@given(STEPS)
def test_the_wheel_gives_what_a_sorted_list_gives(steps: list[tuple[str, ...]]) -> None:
    wheel, model = WheelProbe(), Model()
    known: set[str] = set()
    for step in steps:
        match step:
            case ("arm", name, delay):
                due = model.now + delay
                known.add(name)
                wheel.arm(name, due)
                model.arm(name, due)
            case ("disarm", name) if name in known:
                wheel.disarm(name)
                model.due.pop(name, None)
            case ("advance", by):
                due_before = dict(model.due)
                expected = model.advance(model.now + by)
                found = wheel.advance(model.now)
                # Those due in the same millisecond come in any order.
                assert sorted((due_before[name], name) for name in found) == expected
                assert [due_before[name] for name in found] == [due for due, _ in expected]
        next_due = wheel.next_due()
        if not model.due:
            assert next_due is None
        else:
            assert next_due is not None
            assert model.now < next_due <= min(model.due.values())


@given(st.dictionaries(NAMES, st.integers(1, 4 * YEAR), min_size=1))
def test_going_from_slot_to_slot_meets_every_deadline_in_its_millisecond(dues: dict[str, int]) -> None:
    """As the reactor goes: it sleeps until `next_due`, however often that is only a border between levels."""
    wheel = WheelProbe()
    for name, due in dues.items():
        wheel.arm(name, due)
    met: dict[str, int] = {}
    for _ in range(10 * len(dues)):
        now = wheel.next_due()
        if now is None:
            break
        met |= dict.fromkeys(wheel.advance(now), now)
    assert met == dues


def test_arming_moves_the_one_deadline() -> None:
    wheel = WheelProbe()
    wheel.arm("a", 10)
    wheel.arm("a", 5000)
    assert wheel.advance(4999) == []
    assert wheel.advance(5000) == ["a"]
    assert wheel.next_due() is None


def test_a_time_that_has_passed_means_the_next_millisecond() -> None:
    wheel = WheelProbe()
    assert wheel.advance(1000) == []
    wheel.arm("a", 3)
    assert wheel.next_due() == 1001
    assert wheel.advance(1000) == []
    assert wheel.advance(1001) == ["a"]


def test_disarming_any_of_a_slot_leaves_the_others() -> None:
    for gone in "abc":
        wheel = WheelProbe()
        for name in "abc":
            wheel.arm(name, 77)
        wheel.disarm(gone)
        wheel.disarm(gone)
        assert sorted(wheel.advance(77)) == sorted(set("abc") - {gone})


def test_time_does_not_run_backwards() -> None:
    wheel = WheelProbe()
    wheel.arm("a", 500)
    assert wheel.advance(400) == []
    assert wheel.advance(10) == []
    assert wheel.next_due() == 448  # the slot of level 1 that 500 is in was turned to at 400: 448 = 7 * 64
    assert wheel.advance(500) == ["a"]
