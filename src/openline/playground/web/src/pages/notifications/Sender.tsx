/** What one sends oneself, and where it has arrived. */

import { useEffect, useState } from "preact/hooks";

import { SAMPLES, TOPIC_NAMES } from "./topics";
import type { Device } from "./useDevice";

interface Sent {
  key: string;
  verdict: string;
  number: number;
  title: string;
}

interface SenderProps {
  devices: Device[];
  /** By which it is sent: any that is connected. */
  by: Device | undefined;
}

export function Sender({ devices, by }: SenderProps) {
  const [topic, setTopic] = useState("mentions");
  const [at, setAt] = useState(0);
  const [ttl, setTtl] = useState("");
  const [delay, setDelay] = useState("");
  const [last, setLast] = useState<Sent | null>(null);
  const [problem, setProblem] = useState("");
  const [bot, setBot] = useState(0);
  const samples = SAMPLES[topic]!;
  const [title, text] = samples[at % samples.length]!;

  useEffect(() => {
    if (by) void call<{ bot: number }>(by, "notifications.topics").then(({ bot }) => setBot(bot), () => undefined);
  }, [by === undefined]);
  const first = devices[0]!.state.revision;
  useEffect(() => {
    if (bot && by) void call<{ bot: number }>(by, "notifications.topics").then(({ bot }) => setBot(bot), () => undefined);
  }, [first]);

  const send = async (key: string, again = false) => {
    if (!by) return;
    try {
      const sent = await call<{ verdict: string; number?: number }>(by, "notifications.send", {
        topic,
        title: again && last ? last.title : title,
        text,
        key,
        ...(ttl && { ttl: Number(ttl) }),
        ...(delay && !again && { delay: Number(delay) }),
      });
      setLast({ key, verdict: sent.verdict, number: sent.number ?? 0, title: again && last ? last.title : title });
      setProblem("");
      if (!again) setAt(at + 1);
    } catch (error) {
      setProblem((error as { message?: string }).message ?? "It could not be sent.");
    }
  };
  const turnBot = async (on: boolean) => {
    if (by) setBot((await call<{ bot: number }>(by, "notifications.bot", { on })).bot);
  };

  return (
    <section class="card sender" aria-label="Send yourself one">
      <div class="card-head">
        <h2>Send yourself one</h2>
        <label class="bot">
          <span>
            A bot, now and then
            {bot > 0 && <span class="count"> · {bot} to come</span>}
          </span>
          <span class="switch">
            <input
              class="unseen"
              type="checkbox"
              role="switch"
              aria-label="A bot sends now and then"
              checked={bot > 0}
              disabled={!by}
              onChange={(event) => void turnBot(event.currentTarget.checked)}
            />
            <span class="switch-track" />
          </span>
        </label>
      </div>
      <form
        class="sender-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send(newKey());
        }}
      >
        <div class="choices" role="group" aria-label="Topic">
          {Object.keys(SAMPLES).map((name) => (
            <button key={name} type="button" aria-pressed={topic === name} onClick={() => setTopic(name)}>
              {TOPIC_NAMES[name]}
            </button>
          ))}
        </div>
        <p class="preview">
          <b>{title}</b> <span>{text}</span>
        </p>
        <div class="sender-row">
          <Choice
            label="Goes by itself"
            value={ttl}
            onChange={setTtl}
            options={{ "": "in a week", "10": "in 10 s", "60": "in a minute" }}
          />
          <Choice
            label="Sent"
            value={delay}
            onChange={setDelay}
            options={{ "": "now", "5": "in 5 s", "15": "in 15 s" }}
          />
          <button class="button primary" type="submit" disabled={!by}>
            Send
          </button>
          <button
            class="button"
            type="button"
            disabled={!by || !last || last.verdict === "later"}
            title="With the same id, as one does who does not know whether it arrived"
            onClick={() => last && void send(last.key, true)}
          >
            Send it again
          </button>
        </div>
      </form>
      {problem && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      <p class="arrival" role="status">
        {!by ? "Switch a device on, or wait for the line: sending goes by it." : <Arrival last={last} devices={devices} />}
      </p>
    </section>
  );
}

function Arrival({ last, devices }: { last: Sent | null; devices: Device[] }) {
  if (!last) return <>Nothing sent yet. Switch a device off first, and see what it finds when it comes back.</>;
  if (last.verdict === "later") return <>It waits on the server. You may close this page now.</>;
  if (last.verdict === "unwanted") return <>Not kept: you do not want this topic.</>;
  return (
    <>
      <span>
        {last.verdict === "duplicate" ? "Its id was here before: nothing happened." : `Stored as number ${last.number}.`}
      </span>{" "}
      {devices.map(({ name, state }) => {
        const here = state.items.filter((item) => item.number === last.number).length;
        return (
          <span key={name} class={here ? "has" : "lacks"}>
            {name}: {here ? "has it once" : "not yet"}
          </span>
        );
      })}
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: Record<string, string>;
  onChange(value: string): void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {Object.entries(options).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A name for something new. (Not `randomUUID`, which pages over plain http do not have.) */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function call<T>(device: Device, method: string, data: object = {}): Promise<T> {
  return ((await device.hub.rpc(method, data)) as { data: T }).data;
}
