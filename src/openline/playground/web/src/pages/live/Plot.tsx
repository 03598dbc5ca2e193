/** A chart of the last minute: two lines over one axis of time, in the page's colours. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { useEachFrame } from "./frames";
import type { Rows } from "./recorder";

interface PlotProps {
  label: string;
  rows: () => Rows;
  /** What stands at the marks of the upright axis. */
  write: (value: number) => string;
  height: number;
  /** Whether the axis begins at 0. */
  fromZero?: boolean;
  /** Draw steps, and not slopes: a value holds until the next one. */
  stepped?: boolean;
}

const SPAN = 60; // seconds
const PACE = 400; // milliseconds between two drawings

export function Plot({ label, rows, write, height, fromZero = false, stepped = false }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const drawn = useRef(0);
  const seen = useRef(true);
  useEffect(() => {
    const element = box.current!;
    const ink = inks(element);
    const paths = stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined;
    const line = (name: string, colour: "fast" | "slow") => ({
      label: name,
      stroke: () => ink(colour),
      width: 1.8,
      points: { show: false },
      ...(paths ? { paths } : {}),
    });
    const axis = { stroke: () => ink("text"), font: "11px Geist Mono Variable, monospace", ticks: { show: false } };
    const grid = { stroke: () => ink("rule"), width: 1 };
    const made = new uPlot(
      {
        width: Math.max(element.clientWidth, 100),
        height,
        padding: [10, 16, 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: (_, __, max) => [(max || SPAN) - SPAN, max || SPAN] },
          y: { range: (_, min, max) => range(min, max, fromZero) },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 26,
            splits: (self) => [0, 20, 40, 60].map((back) => self.scales.x!.max! - back),
            values: (self, splits) => splits.map((at) => ago(self.scales.x!.max! - at)),
          },
          { ...axis, grid, size: 62, values: (_, splits) => splits.map(write) },
        ],
        series: [{}, line("fast", "fast"), line("slow", "slow")],
      },
      rows(),
      element,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: Math.max(element.clientWidth, 100), height }));
    watcher.observe(element);
    const looking = new IntersectionObserver((entries) => (seen.current = entries.some((one) => one.isIntersecting)));
    looking.observe(element);
    return () => {
      watcher.disconnect();
      looking.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  useEachFrame(() => {
    const now = performance.now();
    if (now - drawn.current < PACE || !seen.current) return;
    drawn.current = now;
    plot.current?.setData(rows());
  });
  return (
    <div class="plot" role="img" aria-label={label} ref={box}>
      <i class="ink-fast" />
      <i class="ink-slow" />
      <i class="ink-text" />
      <i class="ink-rule" />
    </div>
  );
}

type Ink = "fast" | "slow" | "text" | "rule";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Colours as they are now: a canvas does not know the styles' variables, and asking for them has a page laid out. */
function inks(box: HTMLElement): (name: Ink) => string {
  let theme = "";
  let known: Partial<Record<Ink, string>> = {};
  return (name) => {
    const now = `${document.documentElement.dataset.theme} ${dark.matches}`;
    if (now !== theme) {
      theme = now;
      known = {};
    }
    return (known[name] ??= getComputedStyle(box.querySelector(`.ink-${name}`)!).color);
  };
}

function ago(seconds: number): string {
  return seconds < 1 ? "now" : `${seconds.toFixed(0)} s ago`;
}

function range(min: number | null, max: number | null, fromZero: boolean): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (fromZero) return [0, Math.max(max * 1.15, 100)];
  const spare = Math.max((max - min) * 0.15, max * 0.0005);
  return [min - spare, max + spare];
}
