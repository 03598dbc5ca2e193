import type { Pulse } from "./market";
import { bytes, count, share } from "./wording";

/** From the server's changes to this page's frames, left to right. */
export function Meters({ pulse }: { pulse: Pulse }) {
  const { changes, fast } = pulse;
  return (
    <dl class="card meters" aria-label="In the last second">
      <Meter name="Changes on the server" value={count(changes)} unit="/s" of="server" />
      <Meter name="Of what you look at" value={count(fast && fast.values + fast.merged)} unit="/s" of="server" />
      <Meter name="Merged" value={fast ? share(fast.merged, fast.values) : "–"} unit="" />
      <Meter name="Came here" value={count(fast?.values)} unit="/s" of="page" />
      <Meter name="In frames" value={count(fast?.frames)} unit="/s" of="page" />
      <Meter name="Bytes" value={bytes(fast?.bytes)} unit="/s" of="page" />
    </dl>
  );
}

function Meter({ name, value, unit, of }: { name: string; value: string; unit: string; of?: "server" | "page" }) {
  return (
    <div class={`meter ${of ? `of-${of}` : ""}`}>
      <dt>{name}</dt>
      <dd>
        {value}
        <small>{unit}</small>
      </dd>
    </div>
  );
}
