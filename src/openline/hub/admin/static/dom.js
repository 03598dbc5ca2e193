// Elements, and how numbers are written. Strings become text nodes, so nothing of what clients send is taken for markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// Replaces the rows of a table without losing the focus of a button in a row that stays.
export function fillRows(body, rows) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const wanted = rows.map(({ key, cells }) => {
    const row = known.get(key) ?? element("tr", { "data-key": key });
    cells.forEach((cell, at) => {
      const old = row.children[at];
      if (old === undefined) row.append(cell);
      else if (!old.contains(document.activeElement) && !old.isEqualNode(cell)) old.replaceWith(cell);
    });
    return row;
  });
  const staying = new Set(wanted);
  for (const row of [...body.children]) if (!staying.has(row)) row.remove();
  wanted.forEach((row, at) => {
    if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
  });
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function number(value) {
  return Math.abs(value) < 100000 ? whole.format(value) : short.format(value);
}

export function rate(value) {
  if (value === null) return "–";
  return value > 0 && value < 10 ? value.toFixed(1) : number(value);
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function latency(seconds) {
  if (seconds === null) return "–";
  if (seconds < 0.001) return `≤ ${Math.round(seconds * 1e6)} µs`;
  return seconds < 1 ? `≤ ${Math.round(seconds * 1e3)} ms` : `≤ ${seconds.toFixed(1)} s`;
}

export function moment(seconds) {
  return seconds ? new Date(seconds * 1000).toLocaleString() : "never";
}
