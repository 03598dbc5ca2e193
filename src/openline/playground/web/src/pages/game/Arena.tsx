/** The canvas: it draws at the screen's pace, and steers. */

import { useEffect, useRef, useState } from "preact/hooks";

import { colorsOf, draw, type Colors } from "./draw";
import type { Game } from "./game";
import { Steering } from "./steering";

const PROBES = ["of-ground", "of-grid", "of-edge", "of-ink", "of-faint", "of-spark", "of-tag", "of-outside"];

export function Arena({ game, label }: { game: Game; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const probes = useRef<HTMLDivElement>(null);
  const steering = useRef<Steering | null>(null);
  const [used, setUsed] = useState(false);

  useEffect(() => {
    const surface = canvas.current!;
    const context = surface.getContext("2d")!;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const hands = (steering.current = new Steering(surface, () => setUsed(true)));
    const stop = hands.listen();
    let colors: Colors = colorsOf(probes.current!);
    const recolor = () => (colors = colorsOf(probes.current!));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolor);
    const theme = new MutationObserver(recolor);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    let size = { width: 0, height: 0, ratio: 1 };
    const resize = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      const ratio = Math.min(devicePixelRatio, 2);
      size = { width, height, ratio };
      surface.width = Math.round(width * ratio);
      surface.height = Math.round(height * ratio);
    });
    resize.observe(surface);
    let frame = 0;
    const next = (now: number) => {
      frame = requestAnimationFrame(next);
      const scene = game.frame(now, () => hands.take());
      if (scene && size.width) draw({ context, ...size }, scene, colors, hands.stick, still.matches);
    };
    frame = requestAnimationFrame(next);
    return () => {
      cancelAnimationFrame(frame);
      stop();
      resize.disconnect();
      theme.disconnect();
      dark.removeEventListener("change", recolor);
    };
  }, [game]);

  return (
    <>
      <canvas ref={canvas} class="arena-canvas" tabIndex={0} role="application" aria-label={label} aria-describedby="game-keys" />
      <div ref={probes} class="game-probes" hidden aria-hidden="true">
        {PROBES.map((name) => (
          <i class={name} key={name} />
        ))}
        {Array.from({ length: 8 }, (_, n) => (
          <i class={`of-ship tint-${n}`} key={n} />
        ))}
      </div>
      {!used && (
        <p class="game-hint">
          <span class="with-keys">Point to fly, click to dash. Or the arrow keys and Space.</span>
          <span class="with-thumbs">Put a thumb on the arena, and move it.</span>
        </p>
      )}
      <button class="button game-dash" type="button" onPointerDown={() => steering.current?.pressDash()} onClick={(event) => event.detail === 0 && steering.current?.pressDash()}>
        Dash
      </button>
    </>
  );
}
