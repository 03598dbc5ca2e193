"""Chat: rooms that remember, who has one open, who types there, how far each has read; and who may say how much."""

from __future__ import annotations

from openline.hub import Publish, Refused, Session, Subscribe
from openline.playground.application import Application
from openline.playground.pages import chat_commands as ask
from openline.playground.pages.chat_bots import Bots
from openline.playground.pages.chat_marks import ReadMarks
from openline.playground.pages.chat_mutes import Mutes, Presence, first_of

ROOMS = {"lobby": "Come in, say hello", "workshop": "What are you building?", "garden": "Anything but work"}


def install(app: Application) -> None:
    """Declare two channels for each room: what is said in it, and who has it open."""
    hub, marks, mutes = app.hub, ReadMarks(app.store), Mutes()
    bots = Bots(hub, mutes)
    chat = hub.namespace("chat", history=1000, ttl=7 * 86400, recovery=True, publish_rate=2)
    here = hub.namespace("chat-here", presence=True, join_leave=True, exclude_sender=True, publish_rate=4)

    @hub.rpc("chat.rooms")
    def rooms() -> object:
        return {"rooms": ROOMS, "bots": bots.people}

    @chat.on_subscribe
    async def follow(session: Session, channel: str) -> Subscribe:
        """A page follows all rooms, to count what is new in them since its visitor has read there."""
        me = session.user
        return Subscribe(data={"you": me, "marks": await marks.of(room_of(channel), [me])})

    @here.on_subscribe
    async def enter(session: Session, channel: str) -> Subscribe:
        """It enters one: those who are there see him, and he sees how far they have read."""
        present = (await hub.presence(channel)).values()
        known = await marks.of(room_of(channel), [one.user for one in present])
        return Subscribe(info=Presence(), data={"marks": known})

    @chat.on_publish
    async def act(session: Session, channel: str, data: object) -> Publish:
        """Write down what somebody does, and who: that comes from his session, and never from what he sends."""
        me, room, command = session.user, room_of(channel), ask.action_of(data)
        if left := mutes.left(room, me):
            raise Refused(403, f"You are muted in this room for another {left} seconds.")
        match command:
            case ask.Message(key=key, text=text):
                event = {"type": "message", "id": f"{me}.{key}", "text": text}
                bots.hear(room, event["id"], text)
            case ask.Edit(of=key, text=text):
                # He names his message by its key alone, and his own id is put before it: he cannot name another's.
                event = {"type": "edit", "id": f"{me}.{key}", "text": text}
            case ask.Reaction(of=message, sign=sign, on=on):
                event = {"type": "reaction", "id": message, "sign": sign, "on": on}
            case ask.Mute(user=user, minutes=minutes):
                if me != first_of(await hub.presence(f"chat-here:{room}")):
                    raise Refused(403, "Only who has been in the room for longest may mute others.")
                event = {"type": "mute", "user": user, "until": mutes.mute(room, user, 60 * minutes)}
        # Who was cut off does not know what arrived, and sends it again: the broker publishes it once.
        return Publish(data={**event, "at": ask.now_ms()}, idempotency_key=f"{me}.{command.key}")

    @here.on_publish
    async def show(session: Session, channel: str, data: object) -> object:
        """Tell the others in the room that somebody types, or how far he has read; the latter is kept."""
        match ask.notice_of(data):
            case ask.Typing(on=on):
                return {"type": "typing", "on": on}
            case ask.Read(at=at):
                at = await marks.move(room_of(channel), session.user, min(at, ask.now_ms()))
                return {"type": "read", "at": at}

    here.on_occupied(bots.greet)
    app.job(bots.run)


def room_of(channel: str) -> str:
    """Return the room that a channel belongs to."""
    if (room := channel.partition(":")[2]) not in ROOMS:
        raise Refused(404, "There is no such room.")
    return room
