/** All that the page knows of the chat: the rooms that it follows, the one that is open, and who is there. */

import type { Centrifuge } from "centrifuge";

import { myColor, myName, setMyName } from "../../visitor/visitor";
import type { Author } from "./events";
import { Presence } from "./presence";
import { Room } from "./room";

interface Answer {
  rooms: Record<string, string>;
  bots: Record<string, { name: string; color: number }>;
}

export interface Bot extends Author {
  bot: true;
}

export class Chat {
  rooms: Room[] = [];
  bots: Bot[] = [];
  me: Author = { user: "", name: myName(), color: myColor(), bot: false };
  room: Room | null = null;
  presence: Presence | null = null;
  unreadLine = 0; // the read mark at the time when the room was opened; 0: nothing was unread, NaN: not known yet
  announcement = ""; // for those who do not see the page
  renamedAt = 0; // milliseconds since 1970

  constructor(
    private readonly hub: Centrifuge,
    private readonly changed: () => void,
  ) {
    hub.on("connected", this.connected);
  }

  end(): void {
    this.hub.off("connected", this.connected);
    this.presence?.end();
    for (const room of this.rooms) room.end();
  }

  open(room: Room): void {
    if (room === this.room) return;
    this.presence?.end();
    this.room = room;
    this.unreadLine = NaN;
    const presence: Presence = new Presence(this.hub, room.name, () => {
      // Another device of this visitor may have read further.
      room.read = Math.max(room.read, presence.marks.get(this.me.user) ?? 0);
      this.changed();
    });
    this.presence = presence;
    history.replaceState(null, "", `#${room.name}`);
    this.changed();
  }

  /** One has seen all that was said in the room that is open. */
  seen(): void {
    if (!this.room?.loaded) return;
    if (Number.isNaN(this.unreadLine)) this.unreadLine = this.room.unread ? this.room.read : 0;
    const newest = this.room.newest;
    if (newest <= this.room.read) return;
    this.room.read = newest;
    this.presence?.readTo(newest);
    this.changed();
  }

  /** Be called something else: by a new line, since it is said when a line is opened. Nothing is lost by that. */
  rename(name: string): void {
    setMyName(name);
    this.renamedAt = Date.now();
    this.me = { ...this.me, name: myName() };
    this.hub.setData({ name: myName(), color: myColor() });
    this.hub.disconnect();
    this.hub.connect();
    this.changed();
  }

  get unread(): number {
    return this.rooms.reduce((sum, room) => sum + room.unread, 0);
  }

  private readonly connected = async () => {
    if (this.rooms.length) return;
    const answer = await this.hub.rpc("chat.rooms", {}).catch(() => null);
    if (!answer || this.rooms.length) return; // the line was cut: on the next one
    const { rooms, bots } = answer.data as Answer;
    this.bots = Object.entries(bots).map(([user, { name, color }]) => ({ user, name, color, bot: true as const }));
    const heard = (room: Room, by: Author, text: string) => {
      if (room !== this.room) return;
      this.presence?.stopped(by.user);
      this.announcement = `${by.name}: ${text}`;
    };
    const known = (user: string) => {
      this.me = { ...this.me, user };
    };
    this.rooms = Object.entries(rooms).map(
      ([name, topic]) => new Room(this.hub, name, topic, { changed: this.changed, heard, known }),
    );
    const wanted = location.hash.slice(1);
    const first = this.rooms.find((room) => room.name === wanted) ?? this.rooms[0];
    if (first) this.open(first);
  };
}
