/** Where to, how fast, and whether to dash: from keys, a pointer or a thumb. */

import { parts, type Steer } from "./flight";

const KEYS: Record<string, [number, number]> = {
  KeyW: [0, -1],
  ArrowUp: [0, -1],
  KeyS: [0, 1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  ArrowLeft: [-1, 0],
  KeyD: [1, 0],
  ArrowRight: [1, 0],
};
const NEAR = 26; // pixels from the ship in which a pointer means: stay
const FAR = 170; // from here on: as fast as can be
const REACH = 52; // of the joystick

export interface Stick {
  x: number;
  y: number;
  dx: number;
  dy: number;
}

export class Steering {
  /** Where the thumb holds the stick, in pixels of the canvas; null: nowhere. */
  stick: Stick | null = null;
  /** Something was pressed, or pointed at. */
  used = false;
  private held = new Set<string>();
  private pointer: { x: number; y: number } | null = null;
  private thumb: number | null = null;
  private heading = 0;
  private dash = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onUse: () => void,
  ) {}

  listen(): () => void {
    const stop = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void) =>
      this.canvas.addEventListener(name, act, { signal: stop.signal, passive: false });
    on("keydown", (event) => this.key(event, true));
    on("keyup", (event) => this.key(event, false));
    on("blur", () => this.held.clear());
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && (this.pointer = null));
    return () => stop.abort();
  }

  /** Dash with the next step. */
  pressDash(): void {
    this.dash = true;
    this.use();
  }

  /** What is wanted now; a dash is wanted once. */
  take(): Steer {
    const dash = this.dash;
    this.dash = false;
    const { dx, dy, thrust } = this.wanted();
    if (thrust > 0) this.heading = parts(Math.atan2(dy, dx));
    return { heading: this.heading, thrust, dash };
  }

  private wanted(): { dx: number; dy: number; thrust: number } {
    let [dx, dy] = [0, 0];
    for (const code of this.held) {
      dx += KEYS[code]![0];
      dy += KEYS[code]![1];
    }
    if (dx || dy) return { dx, dy, thrust: 255 };
    if (this.stick) {
      const far = Math.hypot(this.stick.dx, this.stick.dy);
      return { dx: this.stick.dx, dy: this.stick.dy, thrust: far < 6 ? 0 : Math.round((255 * far) / REACH) };
    }
    if (!this.pointer || this.held.size) return { dx: 0, dy: 0, thrust: 0 };
    const box = this.canvas.getBoundingClientRect();
    dx = this.pointer.x - box.left - box.width / 2; // one's own ship is always in the middle
    dy = this.pointer.y - box.top - box.height / 2;
    const far = Math.hypot(dx, dy);
    return { dx, dy, thrust: far < NEAR ? 0 : Math.round(255 * Math.min((far - NEAR) / (FAR - NEAR), 1)) };
  }

  private use(): void {
    if (!this.used) this.onUse();
    this.used = true;
  }

  private key(event: KeyboardEvent, down: boolean): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Space") {
      if (down && !event.repeat) this.pressDash();
    } else if (event.code in KEYS) {
      if (down) this.held.add(event.code);
      else this.held.delete(event.code);
      this.pointer = null;
      if (down) this.use();
    } else return;
    event.preventDefault();
  }

  private down(event: PointerEvent): void {
    this.canvas.focus({ preventScroll: true, focusVisible: false } as FocusOptions);
    event.preventDefault();
    if (event.pointerType === "mouse") {
      this.pointer = { x: event.clientX, y: event.clientY };
      this.pressDash();
    } else if (this.thumb === null) {
      const box = this.canvas.getBoundingClientRect();
      this.thumb = event.pointerId;
      this.canvas.setPointerCapture(event.pointerId);
      this.stick = { x: event.clientX - box.left, y: event.clientY - box.top, dx: 0, dy: 0 };
      this.use();
    } else this.pressDash();
  }

  private move(event: PointerEvent): void {
    if (event.pointerType === "mouse") {
      this.pointer = { x: event.clientX, y: event.clientY };
      this.use();
    } else if (event.pointerId === this.thumb && this.stick) {
      const box = this.canvas.getBoundingClientRect();
      const [dx, dy] = [event.clientX - box.left - this.stick.x, event.clientY - box.top - this.stick.y];
      const far = Math.max(Math.hypot(dx, dy), 1);
      const part = Math.min(far, REACH) / far;
      this.stick = { ...this.stick, dx: dx * part, dy: dy * part };
    }
  }

  private up(event: PointerEvent): void {
    if (event.pointerId !== this.thumb) return;
    this.thumb = null;
    this.stick = null;
  }
}
