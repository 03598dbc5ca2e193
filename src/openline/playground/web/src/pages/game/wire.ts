/** The messages of a room, as the server's `openline/rooms/messages.py` describes them. */

export interface Field {
  name: string;
  shape: "number" | "angle" | "text";
  code: "B" | "H" | "I" | "s";
  low: number;
  step: number;
}

export interface Kind {
  name: string;
  fields: Field[];
}

export interface Entity {
  id: number;
  kind: Kind;
  values: Record<string, number | string>;
}

export interface State {
  tick: number;
  /** The number of the last input that the server has applied. */
  input: number;
  /** Entities in the room, seen or not. */
  total: number;
  /** The error code of an input that was refused; 0: none was. */
  refused: number;
}

const INPUT = 1;
const ACKNOWLEDGEMENT = 2;
export const STATE = 2;
export const EVENT = 3;
export const OVER = 4;

const FULL = 1;
const WIDTHS = { B: 1, H: 2, I: 4 };
const decoder = new TextDecoder();

export class BadState extends Error {}

/** What is in sight: each state changes it. */
export class View {
  readonly entities = new Map<number, Entity>();
  tick = 0;

  constructor(private readonly kinds: Kind[]) {}

  /** Take a state. Throws BadState where it does not follow the last one: then all of it must be asked for. */
  apply(message: Uint8Array): State {
    try {
      return this.read(message);
    } catch (error) {
      this.forget();
      throw error instanceof BadState ? error : new BadState(String(error));
    }
  }

  forget(): void {
    this.entities.clear();
    this.tick = 0;
  }

  private read(message: Uint8Array): State {
    const data = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const u16 = (at: number) => data.getUint16(at, true);
    const full = (data.getUint8(1) & FULL) > 0;
    if (full) this.forget();
    else if (data.getUint32(6, true) !== this.tick) throw new BadState("against another state");
    const state = { tick: data.getUint32(2, true), input: data.getUint32(10, true), total: u16(14), refused: u16(16) };
    const [gone, entered, changed] = [u16(18), u16(20), u16(22)];
    let at = 24;
    for (let n = 0; n < gone; n++, at += 2) this.entities.delete(u16(at));
    for (let n = 0; n < entered; n++) {
      const id = u16(at);
      const kind = this.kinds[data.getUint8(at + 2)];
      if (!kind) throw new BadState("of no kind");
      const entity = { id, kind, values: {} };
      this.entities.set(id, entity);
      at = fill(data, at + 3, entity, -1);
    }
    for (let n = 0; n < changed; n++) {
      const entity = this.entities.get(u16(at));
      if (!entity) throw new BadState("of nothing that is in sight");
      const wide = entity.kind.fields.length > 8;
      at = fill(data, at + (wide ? 4 : 3), entity, wide ? u16(at + 2) : data.getUint8(at + 2));
    }
    this.tick = state.tick;
    return state;
  }
}

function fill(data: DataView, start: number, entity: Entity, mask: number): number {
  let at = start;
  entity.kind.fields.forEach((field, place) => {
    if (((mask >> place) & 1) === 0) return;
    if (field.code === "s") {
      const size = data.getUint8(at);
      entity.values[field.name] = decoder.decode(new Uint8Array(data.buffer, data.byteOffset + at + 1, size));
      at += 1 + size;
      return;
    }
    const width = WIDTHS[field.code];
    const steps = width === 1 ? data.getUint8(at) : width === 2 ? data.getUint16(at, true) : data.getUint32(at, true);
    entity.values[field.name] = field.low + steps * field.step;
    at += width;
  });
  return at;
}

/** An input; it acknowledges the state of a tick on its way. */
export function inputMessage(tick: number, number: number, input: Uint8Array): Uint8Array {
  const message = new Uint8Array(9 + input.length);
  const data = new DataView(message.buffer);
  data.setUint8(0, INPUT);
  data.setUint32(1, tick, true);
  data.setUint32(5, number, true);
  message.set(input, 9);
  return message;
}

/** Ask for all that is in sight. */
export function askForAll(): Uint8Array {
  return new Uint8Array([ACKNOWLEDGEMENT, 0, 0, 0, 0]);
}
