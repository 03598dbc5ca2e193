/** How a ship flies: the same, to the letter, as the server's `game_pieces.py`. One step is one input. */

export const STEP = 1 / 30; // seconds
const EDGE = 20;
const SPEED = 250;
const DASH = 640;
const GRIP = 0.25;
export const FULL = 60;
export const BURN = 9;
export const SHIELD = 60;
const CIRCLE = 256;

export interface Flight {
  x: number;
  y: number;
  vx: number;
  vy: number;
  heading: number;
  charge: number;
}

export interface Steer {
  /** Where to, in parts of 256 of the circle. */
  heading: number;
  /** How fast, up to 255. */
  thrust: number;
  dash: boolean;
}

export interface Field {
  width: number;
  height: number;
}

export function fly(ship: Flight, steer: Steer, field: Field): Flight {
  const heading = (steer.heading * 2 * Math.PI) / CIRCLE;
  const charge = steer.dash && ship.charge === FULL ? 0 : Math.min(ship.charge + 1, FULL);
  const speed = charge < BURN ? DASH : (SPEED * steer.thrust) / 255;
  const vx = ship.vx + (Math.cos(heading) * speed - ship.vx) * GRIP;
  const vy = ship.vy + (Math.sin(heading) * speed - ship.vy) * GRIP;
  return {
    x: Math.min(Math.max(ship.x + vx * STEP, EDGE), field.width - EDGE),
    y: Math.min(Math.max(ship.y + vy * STEP, EDGE), field.height - EDGE),
    vx,
    vy,
    heading,
    charge,
  };
}

export function packed({ heading, thrust, dash }: Steer): Uint8Array {
  return new Uint8Array([heading, thrust, dash ? 1 : 0]);
}

/** An angle in radians as parts of the circle. */
export function parts(angle: number): number {
  return ((Math.round((angle / (2 * Math.PI)) * CIRCLE) % CIRCLE) + CIRCLE) % CIRCLE;
}
