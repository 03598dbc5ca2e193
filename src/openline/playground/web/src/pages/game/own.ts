/** One's own ship. It flies as soon as one steers, and is put right by what the server says:
 *  the server's ship, and on top of it what it has not applied yet. What that changes is shown little by little. */

import { fly, type Field, type Flight, type Steer } from "./flight";

const MOST_PENDING = 60; // inputs: two seconds; the server has forgotten what is older
const CLOSING = 12; // how fast a difference disappears, per second
const JUMP = 160; // units; what is farther off is shown at once

export class OwnShip {
  /** How far the server has been from the prediction of late, in units. */
  error = 0;
  private pending: { number: number; steer: Steer }[] = [];
  private before: Flight | null = null;
  private now: Flight | null = null;
  private offset = { x: 0, y: 0 };

  constructor(private readonly field: Field) {}

  /** Steer by one step. */
  step(number: number, steer: Steer): void {
    this.pending.push({ number, steer });
    if (this.pending.length > MOST_PENDING) this.pending.shift();
    if (!this.now) return;
    this.before = this.now;
    this.now = fly(this.now, steer, this.field);
  }

  /** The server has said where it is, after the input of a number. */
  reconcile(server: Flight, number: number): void {
    this.pending = this.pending.filter((one) => one.number > number);
    let before = server;
    let now = server;
    for (const { steer } of this.pending) {
      before = now;
      now = fly(now, steer, this.field);
    }
    if (this.now) {
      const [dx, dy] = [this.now.x - now.x, this.now.y - now.y];
      const off = Math.hypot(dx, dy);
      this.error = Math.max(this.error * 0.97, off);
      this.offset = off > JUMP ? { x: 0, y: 0 } : { x: this.offset.x + dx, y: this.offset.y + dy };
    }
    this.before = before;
    this.now = now;
  }

  /** The line is a new one. */
  forget(): void {
    this.pending = [];
    this.before = this.now = null;
    this.offset = { x: 0, y: 0 };
    this.error = 0;
  }

  /** Where it is to be drawn: between its last two steps. */
  at(share: number, seconds: number): Flight | null {
    if (!this.now || !this.before) return null;
    const left = Math.exp(-CLOSING * seconds);
    this.offset = { x: this.offset.x * left, y: this.offset.y * left };
    const part = Math.min(Math.max(share, 0), 1.5);
    return {
      ...this.now,
      x: this.before.x + (this.now.x - this.before.x) * part + this.offset.x,
      y: this.before.y + (this.now.y - this.before.y) * part + this.offset.y,
    };
  }
}
