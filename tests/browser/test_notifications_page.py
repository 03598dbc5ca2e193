"""Notifications, as a visitor sees them: two devices on one page, a third in another window, and a closed browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture

pytestmark = pytest.mark.timeout(120)

Violations = Callable[[Page], list[str]]


@pytest.fixture
def inbox(demo: str) -> str:
    """Returns the address of the page."""
    return f"{demo}notifications"


def device(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def titles(page: Page, name: str) -> Locator:
    return device(page, name).locator(".item-title")


def unread(page: Page, name: str) -> Locator:
    return device(page, name).locator(".device-unread")


def send(page: Page, topic: str = "Mentions") -> None:
    page.get_by_role("group", name="Topic").get_by_role("button", name=topic, exact=True).click()
    page.get_by_role("button", name="Send", exact=True).click()


def turn(page: Page, name: str) -> None:
    # The box itself is not to be seen: what is clicked is what stands for it.
    device(page, name).locator(".switch-track").click()


def opened(open_page: OpenPage, address: str, **options: Any) -> Page:
    page = open_page(address, **options)
    for name in ("Phone", "Laptop"):
        expect(device(page, name).get_by_text("Connected", exact=True)).to_be_visible()
    return page


def test_what_is_read_on_one_device_is_read_on_the_other(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    expect(device(page, "Phone").get_by_text("Nothing here")).to_be_visible()
    send(page)
    send(page, "Builds")
    for name in ("Phone", "Laptop"):
        expect(titles(page, name)).to_have_text(["Build 119 failed", "Ines mentioned you"])
        expect(unread(page, name)).to_have_text("2 unread")
    expect(page.get_by_role("status").get_by_text("Phone: has it once")).to_be_visible()
    titles(page, "Phone").first.click()
    expect(unread(page, "Laptop")).to_have_text("1 unread")
    expect(device(page, "Laptop").locator(".item").first).to_have_class(re.compile("is-read"))
    assert page.title().startswith("(1) ")
    device(page, "Laptop").get_by_role("button", name="Remove: Ines mentioned you").click()
    expect(titles(page, "Phone")).to_have_text(["Build 119 failed"])
    expect(unread(page, "Phone")).to_have_text("All read")
    titles(page, "Laptop").first.click()  # unread again
    expect(unread(page, "Phone")).to_have_text("1 unread")
    device(page, "Phone").get_by_role("button", name="Mark all read").click()
    expect(unread(page, "Laptop")).to_have_text("All read")


def test_a_second_window_is_a_third_device(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    send(page)
    expect(titles(page, "Phone")).to_have_count(1)
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="A second window").click()
    other = opening.value
    expect(titles(other, "Phone")).to_have_text(["Ines mentioned you"])
    titles(other, "Laptop").first.click()
    expect(unread(page, "Phone")).to_have_text("All read")
    stranger = opened(open_page, inbox)  # another browser is somebody else
    expect(titles(stranger, "Phone")).to_have_count(0)


def test_a_device_that_was_off_gets_what_came_once(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    turn(page, "Laptop")
    expect(device(page, "Laptop").get_by_text("Off: what comes waits in the inbox")).to_be_visible()
    send(page)
    expect(titles(page, "Phone")).to_have_count(1)
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("Its id was here before: nothing happened.")).to_be_visible()
    expect(page.get_by_text("Laptop: not yet")).to_be_visible()
    titles(page, "Phone").first.click()
    expect(titles(page, "Laptop")).to_have_count(0)
    turn(page, "Laptop")
    expect(titles(page, "Laptop")).to_have_text(["Ines mentioned you"])
    expect(unread(page, "Laptop")).to_have_text("All read")
    expect(page.get_by_text("Laptop: has it once")).to_be_visible()
    expect(titles(page, "Phone")).to_have_count(1)


def test_nothing_is_lost_or_doubled_when_the_line_is_cut(demo: str, inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    send(page)
    expect(titles(page, "Laptop")).to_have_count(1)
    open_page.expect_cuts(demo)
    page.get_by_label("Sent", exact=True).select_option("in 5 s")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("It waits on the server")).to_be_visible()
    cut(page)
    expect(device(page, "Phone").get_by_text("Away, connecting again …")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    picture(page, "notifications-cut")
    comes_back(page)
    for name in ("Phone", "Laptop"):
        expect(titles(page, name)).to_have_text(["Piotr wrote to you", "Ines mentioned you"])
        expect(unread(page, name)).to_have_text("2 unread")


def test_what_expires_goes_by_itself_on_all_devices(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    page.get_by_label("Goes by itself").select_option("in 10 s")
    send(page)
    expect(device(page, "Phone").get_by_text(re.compile(r"gone in \d+ s"))).to_be_visible()
    for name in ("Phone", "Laptop"):
        expect(titles(page, name)).to_have_count(0)
        expect(unread(page, name)).to_have_text("All read")


def test_what_is_not_wanted_is_not_kept(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    offers = page.get_by_role("group", name="Offers")
    offers.get_by_text("Off", exact=True).click()
    expect(offers.get_by_role("radio", name="Off")).to_be_checked()
    send(page, "Offers")
    expect(page.get_by_text("Not kept: you do not want this topic.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("group", name="Offers").get_by_role("radio", name="Off")).to_be_checked()
    expect(titles(page, "Phone")).to_have_count(0)
    page.get_by_role("button", name="Follow").click()
    expect(page.get_by_role("button", name="Unfollow")).to_be_visible()


def test_a_bot_sends_until_it_is_told_not_to(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    bot = page.get_by_role("switch", name="A bot sends now and then")
    page.locator(".bot .switch-track").click()
    expect(bot).to_be_checked()
    expect(titles(page, "Phone")).not_to_have_count(0)
    page.locator(".bot .switch-track").click()
    expect(bot).not_to_be_checked()


# Web Push.


def message(**item: Any) -> str:
    return json.dumps(
        {"id": "n1", "number": 1, "data": {"title": "Build 120", "text": "<b>green</b>"}, **item}
    )


class Worker:
    """The service worker of a page, and the browser's own way to it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._origin = page.evaluate("location.origin")
        self._registrations: list[dict[str, Any]] = []
        self._tools = page.context.new_cdp_session(page)
        self._tools.on("ServiceWorker.workerRegistrationUpdated", self._seen)
        self._tools.send("ServiceWorker.enable")
        with page.expect_event("console", lambda said: said.text == "worker is active"):
            page.evaluate(
                "navigator.serviceWorker.register('/push-worker.js')"
                ".then(() => navigator.serviceWorker.ready).then(() => console.log('worker is active'))"
            )
        page.wait_for_function("navigator.serviceWorker.controller !== null")

    def _seen(self, event: dict[str, Any]) -> None:
        self._registrations += event["registrations"]

    def deliver(self, data: str) -> None:
        """Have the browser hand it a message, as if its push service had brought it."""
        registration = next(one for one in self._registrations if not one["isDeleted"])
        assert registration["scopeURL"] == f"{self._origin}/"
        self._tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self._origin, "registrationId": registration["registrationId"], "data": data},
        )

    def shown(self, count: int) -> list[dict[str, Any]]:
        """The notifications that are shown, once there are so many."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """async (count) => {
                const registration = await navigator.serviceWorker.ready;
                for (let turn = 0; ; turn++) {
                    const shown = await registration.getNotifications();
                    if (shown.length === count || turn === 500)
                        return shown.map(({ title, body, tag }) => ({ title, body, tag }));
                    await new Promise((resolve) => setTimeout(resolve, 20));
                }
            }""",
            count,
        )
        assert len(found) == count
        return found

    def titles(self) -> list[str]:
        """The titles of what is shown; empty: nothing was within some seconds."""
        found: list[str] = self.page.evaluate(
            """async () => {
                const registration = await navigator.serviceWorker.ready;
                for (let turn = 0; ; turn++) {
                    const shown = await registration.getNotifications();
                    if (shown.length || turn === 250) return shown.map(({ title }) => title);
                    await new Promise((resolve) => setTimeout(resolve, 20));
                }
            }"""
        )
        return found

    def clear(self) -> None:
        """Close what is shown."""
        self.page.evaluate(
            """async () => {
                const registration = await navigator.serviceWorker.ready;
                for (const shown of await registration.getNotifications()) shown.close();
            }"""
        )
        self.shown(0)

    def click(self) -> Any:
        """Click the notification that is shown; returns the address that was opened for it, if any.

        A real click has leave to open a window, which one that comes from a script has not: so what would have been
        opened is written down.
        """
        (worker,) = self.page.context.service_workers
        return worker.evaluate(
            """async () => {
                const [notification] = await self.registration.getNotifications();
                let opened = null;
                self.clients.openWindow = async (url) => { opened = url; return null; };
                WindowClient.prototype.focus = async function () { opened = `focus ${new URL(this.url).pathname}`; };
                const waits = [];
                const event = new NotificationEvent("notificationclick", { notification });
                event.waitUntil = (what) => waits.push(what);
                self.dispatchEvent(event);
                await Promise.all(waits);
                return opened;
            }"""
        )


@pytest.fixture
def worker(demo: str, inbox: str, open_page: OpenPage) -> Iterator[Worker]:
    """Returns the worker of a page that may show notifications."""
    page = open_page(inbox, permissions=["notifications"])
    yield Worker(page)
    page.evaluate(
        "navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((one) => one.unregister())))"
    )


def test_the_worker_shows_what_comes_and_the_same_once(worker: Worker) -> None:
    worker.deliver(message())
    assert worker.shown(1) == [{"title": "Build 120", "body": "<b>green</b>", "tag": "n1"}]
    worker.deliver(message(data={"title": "Build 120", "text": "once more"}))
    worker.deliver(message(id="n2"))
    assert {one["tag"] for one in worker.shown(2)} == {"n1", "n2"}


def test_the_worker_shows_something_whatever_comes(worker: Worker) -> None:
    nonsense = (
        "",
        "no JSON",
        "[]",
        '"text"',
        "null",
        message(id="x", data=None),
        message(id="y", data={"title": 7}),
    )
    for data in nonsense:
        worker.clear()
        # A browser that is short of time has been seen to lose an event on the way to its worker: once more, then.
        for _ in range(3):
            worker.deliver(data)
            if titles := worker.titles():
                break
        assert set(titles) == {"You have a new notification"}


def test_a_click_goes_to_the_page_or_opens_it(demo: str, worker: Worker) -> None:
    worker.deliver(message())
    worker.shown(1)
    assert worker.click() == "focus /notifications"
    worker.shown(0)
    worker.page.goto(f"{demo}chat")
    worker.deliver(message(id="a/b"))
    worker.shown(1)
    assert worker.click() == "/notifications#a%2Fb"


def test_the_button_says_what_there_is(inbox: str, open_page: OpenPage) -> None:
    """This browser has no way to its push service: then that is said, and nothing else is lost."""
    open_page.expect_complaint(r"(?s)Chrome currently does not support the Push API in incognito mode .*")
    page = opened(open_page, inbox, permissions=["notifications"])
    push = page.get_by_role("region", name="When this page is closed")
    push.get_by_role("button", name="Turn Web Push on").click()
    expect(push.get_by_text("Not reachable")).to_be_visible()
    send(page)
    expect(titles(page, "Phone")).to_have_count(1)


def test_who_has_forbidden_it_is_not_asked(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    tools = page.context.new_cdp_session(page)
    tools.send(
        "Browser.setPermission",
        {
            "permission": {"name": "notifications"},
            "setting": "denied",
            "origin": page.evaluate("location.origin"),
            "browserContextId": tools.send("Target.getTargetInfo")["targetInfo"]["browserContextId"],
        },
    )
    page.reload()
    push = page.get_by_role("region", name="When this page is closed")
    expect(push.get_by_text("Forbidden", exact=True)).to_be_visible()
    expect(push.get_by_role("button")).to_have_count(0)


# How it looks, and for whom it works.


def filled(page: Page) -> None:
    """Something to be seen in a picture."""
    page.get_by_label("Goes by itself").select_option("in a minute")
    send(page, "Offers")
    page.get_by_label("Goes by itself").select_option("in a week")
    for topic in ("Builds", "Mentions", "Builds"):
        send(page, topic)
    expect(titles(page, "Laptop")).to_have_count(4)
    titles(page, "Phone").nth(1).click()
    expect(unread(page, "Laptop")).to_have_text("3 unread")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    inbox: str, open_page: OpenPage, violations: Violations, scheme: str
) -> None:
    page = opened(open_page, inbox, color_scheme=scheme, **STILL)
    assert violations(page) == []
    filled(page)
    turn(page, "Laptop")
    expect(device(page, "Laptop").get_by_text("Off: what comes waits in the inbox")).to_be_visible()
    send(page)
    expect(titles(page, "Phone")).to_have_count(5)
    page.evaluate("scrollTo(0, 0)")
    picture(page, f"notifications-{scheme}")
    page.locator(".wants").scroll_into_view_if_needed()
    picture(page, f"notifications-{scheme}-wants")
    assert violations(page) == []
    phone = opened(open_page, inbox, color_scheme=scheme, **PHONE, **STILL)
    filled(phone)
    assert violations(phone) == []
    picture(phone, f"notifications-phone-{scheme}", whole=True)


def test_it_fits_on_a_phone(inbox: str, open_page: OpenPage) -> None:
    phone = opened(open_page, inbox, **PHONE)
    filled(phone)
    assert overflows(phone) == []


def test_all_of_it_can_be_done_by_keyboard(inbox: str, open_page: OpenPage) -> None:
    page = opened(open_page, inbox)
    page.get_by_role("button", name="Send", exact=True).focus()
    page.keyboard.press("Enter")
    expect(titles(page, "Phone")).to_have_count(1)
    device(page, "Phone").locator(".item-main").focus()
    page.keyboard.press("Space")
    expect(unread(page, "Laptop")).to_have_text("All read")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(titles(page, "Laptop")).to_have_count(0)
    page.get_by_role("switch", name="Laptop is switched on").focus()
    page.keyboard.press("Space")
    expect(device(page, "Laptop").get_by_text("Off: what comes waits in the inbox")).to_be_visible()
