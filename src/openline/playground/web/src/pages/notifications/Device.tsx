/** One device: its bell, its list, and its switch. */

import { useState } from "preact/hooks";

import { BellIcon, EmptyIcon, LaptopIcon, PhoneIcon } from "./icons";
import { ItemRow } from "./ItemRow";
import type { Device } from "./useDevice";

export function DeviceCard({ device, now }: { device: Device; now: number }) {
  const { name, state, live, on, inbox } = device;
  const [problem, setProblem] = useState("");
  const attempt = (what: Promise<unknown>) =>
    what.then(
      () => setProblem(""),
      (error: { message?: string }) => setProblem(error.message ?? "That did not work."),
    );
  return (
    <section class={`card device ${live ? "is-live" : "is-away"}`} aria-label={name}>
      <header class="device-head">
        <span class="device-sign">{name === "Phone" ? <PhoneIcon /> : <LaptopIcon />}</span>
        <div class="device-name">
          <h2>{name}</h2>
          <p class="device-state">{stateOf(device)}</p>
        </div>
        <label class="switch">
          <input
            class="unseen"
            type="checkbox"
            role="switch"
            checked={on}
            aria-label={`${name} is switched on`}
            onChange={(event) => device.turn(event.currentTarget.checked)}
          />
          <span class="switch-track" />
        </label>
      </header>
      <div class="device-bar">
        <span class="bell" role="img" aria-label={`${state.unread} unread on the ${name.toLowerCase()}`}>
          <BellIcon />
          {state.unread > 0 && (
            <span class="bell-count" key={state.unread}>
              {state.unread > 99 ? "99+" : state.unread}
            </span>
          )}
        </span>
        <span class="device-unread" aria-live="polite">
          {state.unread ? `${state.unread} unread` : "All read"}
        </span>
        <button
          class="button small"
          type="button"
          disabled={!live || !state.unread}
          onClick={() => attempt(inbox.readAll())}
        >
          Mark all read
        </button>
      </div>
      {problem && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      <div class="device-screen" tabindex={0} role="region" aria-label={`Notifications on the ${name.toLowerCase()}`}>
        {state.items.length ? (
          <ol class="items">
            {state.items.map((item) => (
              <ItemRow
                key={item.id}
                item={item}
                now={now}
                disabled={!live}
                onRead={() => attempt(inbox.read([item.id], !item.read))}
                onRemove={() => attempt(inbox.remove([item.id]))}
              />
            ))}
          </ol>
        ) : (
          <div class="nothing">
            <EmptyIcon />
            <p>{state.loaded ? "Nothing here. Send yourself something." : "Opening the inbox …"}</p>
          </div>
        )}
        {state.more !== null && (
          <button class="link older" type="button" disabled={!live} onClick={() => attempt(inbox.older())}>
            Older ones
          </button>
        )}
      </div>
      <p class="device-foot">
        <span>
          change <b>{state.revision}</b>
        </span>
        <span>
          came twice, applied once: <b>{inbox.repeated}</b>
        </span>
      </p>
    </section>
  );
}

function stateOf({ on, line, live }: Device): string {
  if (!on) return "Off: what comes waits in the inbox";
  if (live) return "Connected";
  return line === "lost" ? "Away, connecting again …" : "Connecting …";
}
