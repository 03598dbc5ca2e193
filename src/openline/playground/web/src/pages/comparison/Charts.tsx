/** What the figures were in the last two minutes: four small charts over the same seconds. */

import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { colors, dashes, names, techniques } from "./techniques";
import type { Figures, Moment } from "./useComparison";
import { bytes, count, milliseconds, percent } from "./wording";

interface Kind {
  title: string;
  unit: string;
  of(figures: Figures): number | null;
  write(value: number): string;
  log?: boolean;
}

const kinds: Kind[] = [
  { title: "On the wire", unit: "bytes for each message, headers included", of: (f) => f.bytes_per_message, write: bytes, log: true },
  { title: "Latency", unit: "median, from the making of a message", of: (f) => f.latency, write: milliseconds, log: true },
  { title: "Requests", unit: "a second, handshakes included", of: (f) => f.requests, write: count },
  { title: "Server CPU", unit: "of one core", of: (f) => f.cpu, write: percent },
];

export function Charts({ moments }: { moments: Moment[] }) {
  return (
    <div class="charts">
      {kinds.map((kind) => (
        <Chart key={kind.title} kind={kind} moments={moments} />
      ))}
    </div>
  );
}

function Chart({ kind, moments }: { kind: Kind; moments: Moment[] }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const rows = useRef<uPlot.AlignedData>([[]]);
  rows.current = rowsOf(kind, moments);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(kind, element), rows.current, element);
    };
    draw();
    const sizes = new ResizeObserver(() => plot.current?.setSize(sizeOf(element)));
    sizes.observe(element);
    // Canvas knows no light-dark(): another theme is drawn anew.
    const theme = new MutationObserver(draw);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      sizes.disconnect();
      theme.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(rows.current), [moments]);

  return (
    <figure class="chart-of-four">
      <figcaption>
        <strong>{kind.title}</strong> <span class="quiet">{kind.unit}</span>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={described(kind, moments)} />
    </figure>
  );
}

function rowsOf(kind: Kind, moments: Moment[]): uPlot.AlignedData {
  const values = techniques.map((technique) =>
    moments.map(({ figures }) => {
      const seen = figures[technique];
      const value = seen ? kind.of(seen) : null;
      return kind.log && value !== null && value <= 0 ? null : value;
    }),
  );
  return [moments.map(({ at }) => at / 1000), ...values];
}

function described(kind: Kind, moments: Moment[]): string {
  const last = moments.at(-1);
  const now = techniques.map((technique) => {
    const seen = last?.figures[technique];
    const value = seen ? kind.of(seen) : null;
    return `${names[technique]} ${value === null ? "unknown" : kind.write(value)}`;
  });
  return `${kind.title}, ${kind.unit}: ${now.join(", ")}`;
}

function options(kind: Kind, element: HTMLElement): uPlot.Options {
  const ink = colorOf(element, "--ink-3");
  const rule = colorOf(element, "--rule");
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { show: false } };
  return {
    ...sizeOf(element),
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, __, max) => [max - 60, max] },
      y: kind.log ? { distr: 3 } : { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        splits: (_, __, ___, max) => [60, 40, 20, 0].map((before) => max - before),
        values: (self, ticks) => ticks.map((tick) => ago((self.scales.x?.max ?? tick) - tick)),
      },
      {
        ...axis,
        size: 62,
        values: (_, ticks) => ticks.map((tick: number | null) => (tick === null ? "" : kind.write(tick))),
      },
    ],
    series: [
      {},
      ...techniques.map((technique) => ({
        label: names[technique],
        stroke: colorOf(element, colors[technique]),
        width: 2,
        dash: dashes[technique],
        points: { show: false },
        spanGaps: true,
      })),
    ],
  };
}

function ago(seconds: number): string {
  const whole = Math.round(seconds);
  return whole === 0 ? "now" : `−${whole} s`;
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(120, element.clientWidth), height: element.clientHeight };
}

/** A token as the canvas takes it. */
function colorOf(element: HTMLElement, token: string): string {
  const before = element.style.color;
  element.style.color = `var(${token})`;
  const color = getComputedStyle(element).color;
  element.style.color = before;
  return color;
}
