/** What is wanted of each topic. */

import type { Mode } from "./inbox";
import { TOPIC_NAMES } from "./topics";
import type { Device } from "./useDevice";

const MODES: [Mode, string][] = [
  ["push", "Push"],
  ["inbox", "Inbox"],
  ["off", "Off"],
];

export function Preferences({ by, of }: { by: Device | undefined; of: Device }) {
  const { preferences, topics } = (by ?? of).state;
  return (
    <section class="card preferences" aria-label="What you want">
      <div class="card-head">
        <h2>What you want</h2>
        <p class="quiet">Of each topic, on all your devices</p>
      </div>
      <div class="wishes">
        {Object.entries(TOPIC_NAMES).map(([topic, name]) => (
          <fieldset key={topic} class="wish" disabled={!by}>
            <legend>
              <span>{name}</span>
              {topic === "news" && (
                <button
                  class="link follow"
                  type="button"
                  aria-pressed={topics.includes(topic)}
                  onClick={() => void by?.inbox.follow(topic, !topics.includes(topic)).catch(() => undefined)}
                >
                  {topics.includes(topic) ? "Unfollow" : "Follow"}
                </button>
              )}
            </legend>
            <div class="modes">
              {MODES.map(([mode, label]) => (
                <label key={mode}>
                  <input
                    class="unseen"
                    type="radio"
                    name={`wish-${topic}`}
                    value={mode}
                    checked={(preferences[topic] ?? "push") === mode}
                    onChange={() => void by?.inbox.prefer(topic, mode).catch(() => undefined)}
                  />
                  <span>{label}</span>
                </label>
              ))}
            </div>
          </fieldset>
        ))}
      </div>
    </section>
  );
}
