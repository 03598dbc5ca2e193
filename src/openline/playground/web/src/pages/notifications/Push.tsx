/** Web Push: for when this page is closed. */

import { useEffect, useState } from "preact/hooks";

import { current, devices, possible, type PushState, type Registered, turnOff, turnOn } from "./devicePush";
import type { Device } from "./useDevice";

const TEXTS: Record<PushState, string> = {
  unsupported: "This browser has no Web Push. (On an iPhone, a page has it once it is on the home screen.)",
  insecure: "Browsers give it to secure pages alone: https, or localhost. This page came over plain http by another name.",
  denied: "You have forbidden notifications to this page; only the browser's own settings can change that.",
  off: "Turned on, the browser asks you for permission, and its maker's push service for an address; we send there, encrypted, what nobody is here to see.",
  on: "Switch both devices off or close this page, and have something sent in 15 s: this browser shows it.",
  unreachable: "The browser got no address from its maker's push service: it may be offline, or a private window. The inbox works without it.",
};

const LABELS: Record<PushState, string> = {
  unsupported: "Not possible here",
  insecure: "Not possible here",
  denied: "Forbidden",
  off: "Off",
  on: "On",
  unreachable: "Not reachable",
};

export function Push({ by }: { by: Device | undefined }) {
  const [state, setState] = useState<PushState>(possible);
  const [registered, setRegistered] = useState<Registered[]>([]);
  const [busy, setBusy] = useState(false);

  const attempt = async (what: () => Promise<PushState>) => {
    setBusy(true);
    try {
      setState(await what());
      if (by) setRegistered((await devices(by.hub)).devices);
    } catch {
      // The line went, or the browser would not: what is shown is as it was.
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    if (by) void attempt(() => current(by.hub));
  }, [by === undefined]);

  const able = state === "off" || state === "on" || state === "unreachable";
  return (
    <section class="card push" aria-label="When this page is closed">
      <div class="card-head">
        <h2>When this page is closed</h2>
        <span class={`push-state is-${state}`}>{LABELS[state]}</span>
      </div>
      <p class="push-text">{TEXTS[state]}</p>
      {able && (
        <button
          class="button"
          type="button"
          disabled={!by || busy}
          onClick={() => by && void attempt(() => (state === "on" ? turnOff(by.hub) : turnOn(by.hub)))}
        >
          {state === "on" ? "Turn Web Push off" : busy ? "One moment …" : "Turn Web Push on"}
        </button>
      )}
      {registered.length > 0 && (
        <ul class="registered" aria-label="Browsers that get Web Push">
          {registered.map((one) => (
            <li key={one.id}>
              <span>{one.name || "A browser"}</span>
              <button
                class="link"
                type="button"
                disabled={!by}
                onClick={() =>
                  by &&
                  void attempt(async () => {
                    await by.hub.rpc("inbox.devices.remove", { id: one.id });
                    return state;
                  })
                }
              >
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
