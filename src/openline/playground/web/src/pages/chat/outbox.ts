/** What this page does in a room, one after the other, until the server has it: across any number of lines. */

import { newKey, type Action } from "./events";

export interface Waiting {
  action: Action;
  /** `sent`: the server has it; its publication is on the way. */
  state: "waiting" | "sending" | "sent" | "failed";
  /** Why it failed, as the server says. */
  why: string;
  at: number; // when it was done here, in milliseconds since 1970
}

export const MOST_WAITING = 50;
const PAUSE = 1_000; // milliseconds before something is sent again over a line that stands
const TOO_MANY = 111; // errors of the client protocol
const INTERNAL = 100;
const TRIES = 5; // of what the server fails at

type Unkeyed<A> = A extends Action ? Omit<A, "key"> : never;
export type Deed = Unkeyed<Action>;

export class Outbox {
  list: Waiting[] = [];
  /** The server takes no more for the moment: it is too much. */
  slow = false;
  /** There is a line to send on. */
  open = false;
  private running = false;

  /**
   * @param publish Sends an action; throws an error with a code: below 100 it is not known whether it arrived.
   * @param changed Is called whenever there is something else to be shown.
   */
  constructor(
    private readonly publish: (action: Action) => Promise<unknown>,
    private readonly changed: () => void,
  ) {}

  /** Do something; null: too much waits already. */
  add(deed: Deed): Action | null {
    if (this.list.length >= MOST_WAITING) return null;
    const action = { ...deed, key: newKey() } as Action;
    this.list = [...this.list, { action, state: "waiting", why: "", at: Date.now() }];
    this.changed();
    void this.run();
    return action;
  }

  /** There is a line, and all that came meanwhile was heard: what is still here has not arrived. */
  resume(): void {
    this.open = true;
    this.list = this.list.filter((one) => one.state !== "sent");
    void this.run();
  }

  pause(): void {
    this.open = false;
  }

  /** The room has it. */
  arrived(key: string): void {
    this.list = this.list.filter((one) => one.action.key !== key);
  }

  /** Give up what has failed. */
  discard(key: string): void {
    this.arrived(key);
    this.changed();
  }

  again(key: string): void {
    const one = this.list.find((one) => one.action.key === key);
    if (one) this.become(one, "waiting");
    void this.run();
  }

  private become(one: Waiting, state: Waiting["state"], why = ""): void {
    one.state = state;
    one.why = why;
    this.list = [...this.list];
    this.changed();
  }

  /** One at a time: so they arrive in the order in which they were done. */
  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    let failures = 0;
    try {
      for (;;) {
        const next = this.list.find((one) => one.state === "waiting");
        if (!this.open || !next) break;
        this.become(next, "sending");
        try {
          await this.publish(next.action);
          failures = 0;
          this.slow = false;
          if (next.action.type === "message") this.become(next, "sent");
          else this.arrived(next.action.key);
        } catch (error) {
          const { code = 0, message = "" } = error as { code?: number; message?: string };
          failures = code === INTERNAL ? failures + 1 : 0;
          this.slow = code === TOO_MANY;
          if (code > INTERNAL && code !== TOO_MANY) this.become(next, "failed", message);
          else if (failures >= TRIES) this.become(next, "failed", "The server could not take it.");
          else {
            this.become(next, "waiting");
            if (this.open) await new Promise((resolve) => setTimeout(resolve, PAUSE));
          }
        }
        this.changed();
      }
    } finally {
      this.running = false;
    }
  }
}
