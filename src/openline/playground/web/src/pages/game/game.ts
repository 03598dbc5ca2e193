/** What the page knows of the game: its seat, what is in sight, and what to draw now. It draws nothing itself. */

import type { Centrifuge } from "centrifuge";

import { packed, STEP, type Field, type Flight, type Steer } from "./flight";
import { Lag } from "./lag";
import { ServerTime, Track, type Placed } from "./others";
import { OwnShip } from "./own";
import { askForAll, EVENT, inputMessage, OVER, STATE, View, type Entity, type Kind } from "./wire";

export interface Settings {
  prediction: boolean;
  interpolation: boolean;
  /** Make the line longer by FAR. */
  far: boolean;
}

export const FAR = 150; // milliseconds there and back

export interface Score {
  id: number;
  name: string;
  color: number;
  score: number;
}

export interface Figures {
  /** Milliseconds from an input to the state that has it; null: not known yet. */
  ping: number | null;
  tick: number;
  /** Bytes a second, as the frames are on the wire. */
  down: number;
  up: number;
  seen: number;
  total: number;
  /** Units that the prediction was off by. */
  error: number;
}

export interface ShipDrawn extends Placed {
  id: number;
  values: Record<string, number | string>;
  charge: number;
  mine: boolean;
}

export interface Effect {
  kind: "spark" | "tag";
  x: number;
  y: number;
  at: number;
  label: string;
}

export interface Scene {
  field: Field;
  camera: { x: number; y: number };
  ships: ShipDrawn[];
  sparks: Entity[];
  effects: Effect[];
  now: number;
}

/** How one stands: with a seat, waiting for one, or told that there is none. */
export type Standing = "joining" | "playing" | "full" | "elsewhere" | "out";

interface Listener {
  standing(standing: Standing, back: boolean): void;
  scores(scores: Score[], ships: number, players: number): void;
  told(text: string): void;
}

interface Seat {
  ship: number;
  rate: number;
  field: Field;
}

interface JoinAnswer {
  ticket: string;
  rate: number;
  input: number;
  kinds: Kind[];
  back: boolean;
  data: { ship: number; width: number; height: number };
}

const TICKET = "openline.game.ticket";
const LONGEST = 200; // milliseconds that are made up for at once, after a pause of the page
const MOST_EFFECTS = 40;
const EFFECT = 900; // milliseconds
const HEAD = 18; // bytes of a frame around a message: the WebSocket's and the protocol's, about
const TAKEN = 2; // over.code: another window has the seat
const SEATS_FULL = 106;

export class Game {
  settings: Settings = { prediction: true, interpolation: true, far: false };
  private seat: Seat | null = null;
  private view = new View([]);
  private own = new OwnShip({ width: 1, height: 1 });
  private time = new ServerTime(30);
  private tracks = new Map<number, Track>();
  private effects: Effect[] = [];
  private number = 0;
  private sentAt = new Map<number, number>();
  private asked = false;
  private owed = 0;
  private last = 0;
  private ping: number | null = null;
  private total = 0;
  private bytes = { down: 0, up: 0, since: performance.now() };
  private readonly lag = new Lag();
  private again = 0;

  constructor(
    private readonly hub: Centrifuge,
    private readonly listener: Listener,
  ) {}

  start(): () => void {
    const connected = () => void this.join();
    const lost = () => this.leave();
    const message = ({ data }: { data: unknown }) => {
      const bytes = data as Uint8Array;
      this.bytes.down += bytes.length + HEAD;
      this.lag.pass(() => this.receive(bytes));
    };
    this.hub.on("connected", connected).on("connecting", lost).on("disconnected", lost).on("message", message);
    return () => {
      this.hub.off("connected", connected).off("connecting", lost).off("disconnected", lost).off("message", message);
      this.leave();
      clearTimeout(this.again);
    };
  }

  set(settings: Settings): void {
    this.settings = settings;
    this.lag.delay = settings.far ? FAR / 2 : 0;
  }

  /** Take a seat: the one that is kept for this window, if there is one. */
  async join(): Promise<void> {
    this.listener.standing("joining", false);
    const ask = new TextEncoder().encode(JSON.stringify({ ticket: ticket() }));
    try {
      const { data } = await this.hub.rpc("game.join", ask);
      const answer = JSON.parse(new TextDecoder().decode(data as Uint8Array)) as JoinAnswer;
      keep(answer.ticket);
      const { ship, width, height } = answer.data;
      const field = { width, height };
      this.view = new View(answer.kinds);
      this.own = new OwnShip(field);
      this.time = new ServerTime(answer.rate);
      this.number = answer.input;
      this.tracks.clear();
      this.asked = false;
      this.seat = { ship, rate: answer.rate, field };
      this.listener.standing("playing", answer.back);
    } catch (error) {
      if ((error as { code?: number }).code === SEATS_FULL) {
        this.listener.standing("full", false);
        this.again = window.setTimeout(() => void this.join(), 5_000);
      }
    }
  }

  private leave(): void {
    this.seat = null;
    this.lag.clear();
    this.sentAt.clear();
    this.ping = null;
  }

  private receive(message: Uint8Array): void {
    if (!this.seat) return;
    if (message[0] === STATE) this.see(message);
    else if (message[0] === EVENT) this.hear(JSON.parse(new TextDecoder().decode(message.subarray(1))) as Told);
    else if (message[0] === OVER) {
      this.leave();
      this.listener.standing(message[1] === TAKEN ? "elsewhere" : "out", false);
    }
  }

  private see(message: Uint8Array): void {
    const now = performance.now();
    const before = new Map([...this.view.entities].filter(([, one]) => one.kind.name === "spark"));
    let state;
    try {
      state = this.view.apply(message);
    } catch {
      if (!this.asked) this.send(askForAll());
      this.asked = true;
      return;
    }
    this.asked = false;
    this.total = state.total;
    this.time.arrived(state.tick, now);
    for (const [number, at] of this.sentAt) {
      if (number > state.input) break;
      this.sentAt.delete(number);
      if (number === state.input) this.ping = this.ping === null ? now - at : this.ping + (now - at - this.ping) * 0.15;
    }
    for (const id of this.tracks.keys()) if (!this.view.entities.has(id)) this.tracks.delete(id);
    for (const [id, entity] of this.view.entities) {
      if (entity.kind.name !== "ship") continue;
      const track = this.tracks.get(id) ?? new Track();
      this.tracks.set(id, track);
      track.add(state.tick, entity.values);
    }
    for (const [id, spark] of before) if (!this.view.entities.has(id)) this.collected(spark, now);
    const mine = this.view.entities.get(this.seat!.ship);
    if (mine) this.own.reconcile(mine.values as unknown as Flight, state.input);
  }

  /** A spark is no more: where a ship is near, it has it. */
  private collected({ values }: Entity, now: number): void {
    const [x, y] = [values.x as number, values.y as number];
    for (const track of this.tracks.values())
      if (Math.hypot(track.latest.x - x, track.latest.y - y) < 80)
        return this.show({ kind: "spark", x, y, at: now, label: `+${values.worth}` });
  }

  private hear(told: Told): void {
    if (told.best) {
      const scores = told.best.map(([id, name, color, score]) => ({ id, name, color, score }));
      this.listener.scores(this.withMine(scores), told.ships ?? 0, told.players ?? 0);
    }
    if (!told.by || !told.tagged) return;
    const at = this.tracks.get(told.tagged[0])?.latest;
    if (at) this.show({ kind: "tag", x: at.x, y: at.y, at: performance.now(), label: told.loot ? `−${told.loot}` : "" });
    const took = told.loot ? ` and took ${told.loot} ${told.loot === 1 ? "spark" : "sparks"}` : ", who has nothing";
    if (told.by[0] === this.seat?.ship) this.listener.told(`You tagged ${told.tagged[1]}${took}.`);
    else if (told.tagged[0] === this.seat?.ship && told.loot) this.listener.told(`${told.by[1]} tagged you${took}.`);
  }

  /** The best, and one's own ship below them where it is none of these. */
  private withMine(best: Score[]): Score[] {
    const mine = this.view.entities.get(this.ship);
    if (!mine || best.some((one) => one.id === mine.id)) return best;
    const { name, color, score } = mine.values as { name: string; color: number; score: number };
    return [...best.slice(0, -1), { id: mine.id, name, color, score }];
  }

  private show(effect: Effect): void {
    this.effects.push(effect);
    if (this.effects.length > MOST_EFFECTS) this.effects.shift();
  }

  private send(message: Uint8Array): void {
    this.bytes.up += message.length + HEAD;
    this.lag.pass(() => void this.hub.send(message).catch(() => undefined));
  }

  /** Go on to now, one input for each step, and say what is to be drawn; null: nothing is known yet.
   *  A window that is not looked at calls this no more: it sends no inputs, acknowledges nothing, and is soon sent
   *  nothing either. */
  frame(now: number, take: () => Steer): Scene | null {
    const passed = Math.min(now - this.last, LONGEST);
    this.last = now;
    const { seat } = this;
    if (seat && this.view.tick) {
      this.owed = Math.min(this.owed + passed, LONGEST);
      for (; this.owed >= STEP * 1000; this.owed -= STEP * 1000) this.step(take());
    }
    this.effects = this.effects.filter((effect) => now - effect.at < EFFECT);
    return seat && this.view.tick ? this.scene(seat, now, passed / 1000) : null;
  }

  private step(steer: Steer): void {
    this.number += 1;
    this.own.step(this.number, steer);
    this.sentAt.set(this.number, performance.now());
    this.send(inputMessage(this.view.tick, this.number, packed(steer)));
  }

  private scene(seat: Seat, now: number, seconds: number): Scene {
    const { prediction, interpolation } = this.settings;
    const tick = this.time.shown(now);
    const ships: ShipDrawn[] = [];
    const sparks: Entity[] = [];
    const predicted = this.own.at(this.owed / (STEP * 1000), seconds);
    let camera = { x: seat.field.width / 2, y: seat.field.height / 2 };
    for (const [id, entity] of this.view.entities) {
      if (entity.kind.name === "spark") {
        sparks.push(entity);
        continue;
      }
      const mine = id === seat.ship;
      const track = this.tracks.get(id)!;
      const flight = mine && prediction ? predicted : null;
      const at = flight ?? (interpolation ? track.at(tick) : track.latest);
      const { x, y, heading } = at;
      if (mine) camera = { x, y };
      ships.push({ id, x, y, heading, values: entity.values, charge: flight?.charge ?? (entity.values.charge as number), mine });
    }
    return { field: seat.field, camera, ships, sparks, effects: this.effects, now };
  }

  /** The figures of the time since this was asked last. */
  figures(): Figures {
    const now = performance.now();
    const seconds = Math.max((now - this.bytes.since) / 1000, 0.001);
    const { down, up } = this.bytes;
    this.bytes = { down: 0, up: 0, since: now };
    return {
      ping: this.ping,
      tick: this.view.tick,
      down: down / seconds,
      up: up / seconds,
      seen: this.view.entities.size,
      total: this.total,
      error: this.own.error,
    };
  }

  get ship(): number {
    return this.seat?.ship ?? 0;
  }
}

interface Told {
  best?: [number, string, number, number][];
  ships?: number;
  players?: number;
  by?: [number, string];
  tagged?: [number, string];
  loot?: number;
}

// A window's own, so that each plays for itself, and comes back into its own seat when it is loaded anew.
function ticket(): string | undefined {
  try {
    return sessionStorage.getItem(TICKET) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(value: string): void {
  try {
    sessionStorage.setItem(TICKET, value);
  } catch {
    // Then a window that is loaded anew gets another seat.
  }
}
