const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: true });

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : grouped.format(value);
}

export function price(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : money.format(value);
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value < 1_000 ? `${grouped.format(value)} B` : `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} kB`;
}

/** A duration in milliseconds. */
export function lag(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value < 1_000 ? `${grouped.format(value)} ms` : `${(value / 1_000).toFixed(1)} s`;
}

/** A part of a whole, in percent. */
export function share(part: number, rest: number): string {
  const whole = part + rest;
  return whole > 0 ? `${((100 * part) / whole).toFixed(0)} %` : "–";
}

export function change(now: number, opened: number): string {
  const percent = (100 * (now - opened)) / opened;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(2)} %`;
}
