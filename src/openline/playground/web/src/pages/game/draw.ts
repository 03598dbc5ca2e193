/** The arena on a canvas. Colours are the page's, read where they are resolved: on elements. */

import { BURN, FULL, SHIELD } from "./flight";
import type { Effect, Scene, ShipDrawn } from "./game";
import type { Stick } from "./steering";

export const SIGHT = 600; // units from the middle to the corners; the server shows a little more
const GRID = 100;
const FADE = 900; // milliseconds of an effect
const FONT = '"Instrument Sans Variable", system-ui, sans-serif';

export interface Colors {
  ground: string;
  grid: string;
  edge: string;
  ink: string;
  faint: string;
  spark: string;
  tag: string;
  outside: string;
  ships: string[];
}

/** Read the colours from elements that have them. */
export function colorsOf(probes: HTMLElement): Colors {
  const color = (name: string) => getComputedStyle(probes.querySelector(`.${name}`)!).color;
  return {
    ground: color("of-ground"),
    grid: color("of-grid"),
    edge: color("of-edge"),
    ink: color("of-ink"),
    faint: color("of-faint"),
    spark: color("of-spark"),
    tag: color("of-tag"),
    outside: color("of-outside"),
    ships: Array.from({ length: 8 }, (_, n) => color(`tint-${n}`)),
  };
}

export interface Surface {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  ratio: number;
}

export function draw({ context, width, height, ratio }: Surface, scene: Scene, colors: Colors, stick: Stick | null, still: boolean): void {
  const scale = Math.hypot(width, height) / 2 / SIGHT;
  const { camera } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colors.outside;
  context.fillRect(0, 0, width, height);
  context.translate(width / 2, height / 2);
  context.scale(scale, scale);
  context.translate(-camera.x, -camera.y);
  ground(context, scene, colors, width / scale, height / scale);
  for (const spark of scene.sparks) {
    const { x, y, worth } = spark.values as Record<string, number>;
    const beat = still ? 1 : 1 + 0.14 * Math.sin(scene.now / 260 + spark.id);
    diamond(context, x!, y!, (5 + 2.5 * worth!) * beat, colors.spark);
  }
  for (const ship of scene.ships) if (!ship.mine) drawShip(context, ship, colors, still);
  for (const ship of scene.ships) if (ship.mine) drawShip(context, ship, colors, still);
  for (const effect of scene.effects) show(context, effect, scene.now, colors, still);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (stick) joystick(context, stick, colors);
  map(context, scene, colors, width);
}

function ground(context: CanvasRenderingContext2D, { field, camera }: Scene, colors: Colors, wide: number, high: number): void {
  context.fillStyle = colors.ground;
  context.beginPath();
  context.roundRect(0, 0, field.width, field.height, 28);
  context.fill();
  const [left, right] = [Math.max(0, camera.x - wide / 2), Math.min(field.width, camera.x + wide / 2)];
  const [top, bottom] = [Math.max(0, camera.y - high / 2), Math.min(field.height, camera.y + high / 2)];
  context.strokeStyle = colors.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.ceil(Math.max(left, 1) / GRID) * GRID; x < Math.min(right, field.width - 1); x += GRID) {
    context.moveTo(x, top);
    context.lineTo(x, bottom);
  }
  for (let y = Math.ceil(Math.max(top, 1) / GRID) * GRID; y < Math.min(bottom, field.height - 1); y += GRID) {
    context.moveTo(left, y);
    context.lineTo(right, y);
  }
  context.stroke();
  context.strokeStyle = colors.edge;
  context.lineWidth = 3;
  context.beginPath();
  context.roundRect(0, 0, field.width, field.height, 28);
  context.stroke();
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, size: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size * 0.7, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size * 0.7, y);
  context.closePath();
  context.fill();
}

function drawShip(context: CanvasRenderingContext2D, ship: ShipDrawn, colors: Colors, still: boolean): void {
  const { x, y, heading, values, charge, mine } = ship;
  const color = colors.ships[values.color as number] ?? colors.ink;
  const away = values.away === 1;
  context.save();
  context.translate(x, y);
  context.globalAlpha = away ? 0.4 : 1;
  if (mine) {
    context.strokeStyle = colors.faint;
    context.lineWidth = 3;
    ring(context, 27, charge / FULL);
  }
  const shield = values.shield as number;
  if (shield > 0) {
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.setLineDash([5, 5]);
    ring(context, 33, shield / SHIELD);
    context.setLineDash([]);
  }
  context.rotate(heading);
  if (charge < BURN) {
    context.fillStyle = colors.tag;
    context.globalAlpha = still ? 0.5 : 0.25 + 0.5 * (1 - charge / BURN);
    context.beginPath();
    context.moveTo(-8, -8);
    context.lineTo(-58, 0);
    context.lineTo(-8, 8);
    context.fill();
    context.globalAlpha = 1;
  }
  context.beginPath();
  context.moveTo(20, 0);
  context.lineTo(-13, 13);
  context.lineTo(-7, 0);
  context.lineTo(-13, -13);
  context.closePath();
  context.fillStyle = color;
  context.lineJoin = "round";
  context.lineWidth = mine ? 3 : 0;
  context.strokeStyle = colors.ink;
  if (mine) context.stroke();
  context.fill();
  context.restore();
  context.globalAlpha = away ? 0.55 : 1;
  context.textAlign = "center";
  context.font = `${mine ? 650 : 500} 15px ${FONT}`;
  context.fillStyle = colors.ink;
  const name = away ? `${String(values.name)} (away)` : String(values.name);
  context.fillText(name, x, y + 50);
  context.globalAlpha = 1;
}

function ring(context: CanvasRenderingContext2D, radius: number, share: number): void {
  context.beginPath();
  context.arc(0, 0, radius, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * share);
  context.stroke();
}

function show(context: CanvasRenderingContext2D, effect: Effect, now: number, colors: Colors, still: boolean): void {
  const age = Math.min((now - effect.at) / FADE, 1);
  const color = effect.kind === "tag" ? colors.tag : colors.spark;
  context.globalAlpha = 1 - age;
  if (!still) {
    context.strokeStyle = color;
    context.lineWidth = effect.kind === "tag" ? 5 : 2.5;
    context.beginPath();
    context.arc(effect.x, effect.y, 12 + (effect.kind === "tag" ? 90 : 34) * age, 0, 2 * Math.PI);
    context.stroke();
  }
  context.fillStyle = color;
  context.textAlign = "center";
  context.font = `700 20px ${FONT}`;
  context.fillText(effect.label, effect.x, effect.y - 26 - (still ? 0 : 30 * age));
  context.globalAlpha = 1;
}

function joystick(context: CanvasRenderingContext2D, stick: Stick, colors: Colors): void {
  context.globalAlpha = 0.35;
  context.fillStyle = colors.faint;
  context.beginPath();
  context.arc(stick.x, stick.y, 58, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 0.8;
  context.fillStyle = colors.ink;
  context.beginPath();
  context.arc(stick.x + stick.dx, stick.y + stick.dy, 24, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}

/** Where one is in all of the arena, and how much of it one sees. */
function map(context: CanvasRenderingContext2D, { field, camera, ships }: Scene, colors: Colors, width: number): void {
  const wide = Math.min(116, width * 0.24);
  const scale = wide / field.width;
  const [x, y] = [width - wide - 12, 12];
  context.save();
  context.globalAlpha = 0.86;
  context.fillStyle = colors.ground;
  context.strokeStyle = colors.edge;
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(x, y, wide, field.height * scale, 6);
  context.fill();
  context.stroke();
  context.clip();
  context.globalAlpha = 1;
  context.strokeStyle = colors.faint;
  context.beginPath();
  context.arc(x + camera.x * scale, y + camera.y * scale, SIGHT * scale, 0, 2 * Math.PI);
  context.stroke();
  for (const ship of ships) {
    context.fillStyle = ship.mine ? colors.ink : (colors.ships[ship.values.color as number] ?? colors.ink);
    context.beginPath();
    context.arc(x + ship.x * scale, y + ship.y * scale, ship.mine ? 3.4 : 2.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}
