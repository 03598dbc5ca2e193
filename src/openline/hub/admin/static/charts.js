// A line of what a number was in the last two minutes. It is decoration beside the number, so it is hidden from readers.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 32;
const MOST = 60;

export class Sparkline {
  constructor() {
    this.values = [];
    this.element = document.createElementNS(SVG, "svg");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("aria-hidden", "true");
    this.element.classList.add("spark");
    this.area = document.createElementNS(SVG, "path");
    this.area.classList.add("spark-area");
    this.line = document.createElementNS(SVG, "path");
    this.line.classList.add("spark-line");
    this.element.append(this.area, this.line);
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > MOST) this.values.shift();
    if (this.values.length < 2) return;
    const top = Math.max(...this.values, 1e-9);
    const step = WIDTH / (MOST - 1);
    const first = WIDTH - step * (this.values.length - 1);
    const points = this.values.map(
      (one, at) => `${(first + at * step).toFixed(1)},${(HEIGHT - 2 - (one / top) * (HEIGHT - 4)).toFixed(1)}`,
    );
    this.line.setAttribute("d", `M${points.join("L")}`);
    this.area.setAttribute("d", `M${first.toFixed(1)},${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z`);
  }
}
