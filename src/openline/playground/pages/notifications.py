"""Notifications: an inbox that outlives the connection, and Web Push for a browser that is closed."""

from __future__ import annotations

from openline.hub import Session
from openline.notifications import Inbox
from openline.notifications.push import WebPush
from openline.playground.application import Application
from openline.playground.pages import notifications_orders as ask
from openline.playground.pages.notifications_bots import Postman

TOPICS = {
    "mentions": "Somebody wrote your name",
    "builds": "A build of yours has ended",
    "offers": "What you could buy, if you wanted",
    "news": "For everybody who follows it, twice a minute",
}


def install(app: Application) -> None:
    """Give each visitor an inbox: his devices read, mark and remove by the calls that it answers itself."""
    inbox = Inbox(
        app.hub,
        app.store,
        push=WebPush("mailto:playground@example.com"),  # it makes its key once, and keeps it in the store
        limit=100,  # the oldest goes when one more comes
        ttl=7 * 86400,
        open_topics=("news",),  # visitors follow it by themselves
    )
    postman = Postman(inbox)

    @app.hub.rpc("notifications.topics")
    def topics(session: Session) -> object:
        return {"topics": TOPICS, "bot": postman.left(session.user)}

    @app.hub.rpc("notifications.send")
    async def send(session: Session, data: object) -> object:
        """Send the visitor what he asked for: now, or after he has had time to close the page."""
        order = ask.order_of(data, TOPICS)
        if order.delay:
            postman.later(order.delay, session.user, order)
            return {"verdict": "later"}
        # Whoever sends twice with one id, since he does not know whether it arrived, finds it in the inbox once.
        receipt = await inbox.send(
            session.user,
            {"title": order.title, "text": order.text},
            topic=order.topic,
            ttl=order.ttl,
            id=f"own.{order.key}",
            urgency="high",
        )
        return receipt._asdict()

    @app.hub.rpc("notifications.bot")
    def bot(session: Session, data: object) -> object:
        """Have a bot send something now and then, for some minutes."""
        postman.visit(session.user, ask.wanted(data))
        return {"bot": postman.left(session.user)}

    @app.job
    async def deliver() -> None:
        try:
            await postman.run()
        finally:
            if inbox.push is not None:
                await inbox.push.close()
