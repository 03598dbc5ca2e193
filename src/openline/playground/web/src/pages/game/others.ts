/** Where the others are drawn: a little in the past, between two states, so that they move smoothly however these arrive. */

const KEPT = 12; // states of each
const BEHIND = 3; // ticks: one state may be lost from view, or late, without a stop

interface Sample {
  tick: number;
  x: number;
  y: number;
  heading: number;
}

export interface Placed {
  x: number;
  y: number;
  heading: number;
}

/** What time it is on the server, from when states arrive. */
export class ServerTime {
  private offset: number | null = null; // milliseconds at which tick 0 would have arrived

  constructor(private readonly rate: number) {}

  arrived(tick: number, now: number): void {
    const offset = now - (tick * 1000) / this.rate;
    if (this.offset === null || Math.abs(offset - this.offset) > 500) this.offset = offset;
    // Early ones say more than late ones: nothing arrives before it was sent.
    else this.offset += (offset - this.offset) * (offset < this.offset ? 0.2 : 0.02);
  }

  forget(): void {
    this.offset = null;
  }

  /** The tick to be shown now; with a fraction. */
  shown(now: number): number {
    return this.offset === null ? 0 : ((now - this.offset) * this.rate) / 1000 - BEHIND;
  }
}

export class Track {
  private samples: Sample[] = [];

  add(tick: number, values: Record<string, number | string>): void {
    const { x, y, heading } = values as Record<string, number>;
    this.samples.push({ tick, x: x!, y: y!, heading: heading! });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  get latest(): Placed {
    return this.samples.at(-1)!;
  }

  at(tick: number): Placed {
    const samples = this.samples;
    const next = samples.findIndex((one) => one.tick >= tick);
    if (next < 0) return samples.at(-1)!;
    if (next === 0) return samples[0]!;
    const [from, to] = [samples[next - 1]!, samples[next]!];
    const part = (tick - from.tick) / (to.tick - from.tick);
    const turn = ((((to.heading - from.heading) % TAU) + TAU + Math.PI) % TAU) - Math.PI;
    return {
      x: from.x + (to.x - from.x) * part,
      y: from.y + (to.y - from.y) * part,
      heading: from.heading + turn * part,
    };
  }
}

const TAU = 2 * Math.PI;
