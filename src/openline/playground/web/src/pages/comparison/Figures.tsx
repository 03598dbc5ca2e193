import { colors, dashes, names, techniques, type Technique } from "./techniques";
import type { Comparison } from "./useComparison";
import { bytes, count, microseconds, milliseconds, percent } from "./wording";

export function Figures({ comparison }: { comparison: Comparison }) {
  const figures = comparison.moments.at(-1)?.figures;
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Figures of now">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">Now</th>
            <th scope="col">Bytes a message</th>
            <th scope="col">Latency</th>
            <th scope="col">In this browser</th>
            <th scope="col">Requests a second</th>
            <th scope="col">CPU a message</th>
            <th scope="col">Server CPU</th>
          </tr>
        </thead>
        <tbody>
          {techniques.map((technique) => {
            const seen = figures?.[technique];
            return (
              <tr key={technique}>
                <th scope="row">
                  <Key technique={technique} /> {names[technique]}
                </th>
                <td>{bytes(seen?.bytes_per_message)}</td>
                <td>{milliseconds(seen?.latency)}</td>
                <td>{milliseconds(comparison.here[technique])}</td>
                <td>{seen ? count(seen.requests) : "–"}</td>
                <td>{microseconds(seen?.cpu_per_message)}</td>
                <td>{seen ? percent(seen.cpu) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** How a technique's line is drawn. */
export function Key({ technique }: { technique: Technique }) {
  return (
    <svg class={`key of-${technique}`} viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">
      <path d="M1 4h24" stroke={`var(${colors[technique]})`} stroke-width="2.4" stroke-dasharray={dashes[technique].join(" ")} />
    </svg>
  );
}
