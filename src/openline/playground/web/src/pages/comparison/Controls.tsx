import { useEffect, useState } from "preact/hooks";

import type { Comparison, Settings } from "./useComparison";

interface Slider {
  name: keyof Settings;
  label: string;
  write(value: number): string;
  log?: boolean;
}

const sliders: Slider[] = [
  { name: "rate", label: "Messages", write: (rate) => (rate >= 1 ? `${round(rate)} a second` : `one in ${round(1 / rate)} s`), log: true },
  { name: "size", label: "Size of each", write: (size) => `${Math.round(size).toLocaleString("en")} bytes`, log: true },
  { name: "clients", label: "Clients of each technique", write: (clients) => `${Math.round(clients)}${location.protocol === "http:" ? ", and yours" : ""}` },
  { name: "every", label: "Polls", write: (every) => (every < 1 ? `${round(1 / every)} a second` : `every ${round(every)} s`), log: true },
];

const STEPS = 200;
const SEND_AFTER = 150; // milliseconds without another change

export function Controls({ comparison }: { comparison: Comparison }) {
  const { settings, bounds } = comparison;
  if (!settings || !bounds) return null;
  return (
    <div class="controls">
      {sliders.map((slider) => (
        <Range
          key={slider.name}
          slider={slider}
          bounds={bounds[slider.name]}
          value={settings[slider.name]}
          disabled={comparison.state !== "open"}
          set={(value) => comparison.set({ [slider.name]: value })}
        />
      ))}
    </div>
  );
}

interface RangeProps {
  slider: Slider;
  bounds: [number, number];
  value: number;
  disabled: boolean;
  set(value: number): void;
}

function Range({ slider, bounds, value, disabled, set }: RangeProps) {
  const [moved, setMoved] = useState<number | null>(null);
  useEffect(() => setMoved(null), [value]); // the server's word, which may be another visitor's wish
  useEffect(() => {
    if (moved === null) return;
    const timer = setTimeout(() => set(moved), SEND_AFTER);
    return () => clearTimeout(timer);
  }, [moved]);
  const shown = moved ?? value;
  return (
    <label class="range">
      <span class="range-label">{slider.label}</span>
      <output>{slider.write(shown)}</output>
      <input
        type="range"
        min={0}
        max={STEPS}
        value={position(shown, bounds, slider.log)}
        disabled={disabled}
        aria-label={slider.label}
        aria-valuetext={slider.write(shown)}
        onInput={(event) => setMoved(at(Number(event.currentTarget.value), bounds, slider.log))}
      />
    </label>
  );
}

function position(value: number, [low, high]: [number, number], log = false): number {
  const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.round(part * STEPS);
}

function at(step: number, [low, high]: [number, number], log = false): number {
  const part = step / STEPS;
  const value = log ? low * (high / low) ** part : low + (high - low) * part;
  return Number(value.toPrecision(value < 100 ? 2 : 3));
}

function round(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toFixed(1)));
}
