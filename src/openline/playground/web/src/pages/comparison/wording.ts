/** Figures as text: short, and of the same length while they change. */

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 100) return `${Math.round(value).toLocaleString("en")} ms`;
  return `${value.toFixed(value >= 10 ? 1 : 2)} ms`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} kB`;
  return `${Math.round(value).toLocaleString("en")} B`;
}

export function count(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function microseconds(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${Math.round(value).toLocaleString("en")} µs`;
}
