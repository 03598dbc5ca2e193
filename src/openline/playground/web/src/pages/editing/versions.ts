/** The versions of the document, as the hub tells of them: asked for once, and told again whenever there is a new one. */

import type { Centrifuge } from "centrifuge";
import { useEffect, useState } from "preact/hooks";

export interface Version {
  number: number;
  label: string;
  author: string;
  /** Seconds since 1970. */
  at: number;
  /** Bytes of the state that is stored. */
  size: number;
}

const CHANNEL = "editing:versions";

export interface Versions {
  /** The newest first; null: they are not known yet. */
  list: Version[] | null;
  /** What went wrong last; empty: nothing. */
  trouble: string;
  save(label: string): Promise<boolean>;
  restore(number: number): Promise<boolean>;
}

export function useVersions(hub: Centrifuge): Versions {
  const [list, setList] = useState<Version[] | null>(null);
  const [trouble, setTrouble] = useState("");

  useEffect(() => {
    const subscription = hub.newSubscription(CHANNEL);
    subscription.on("publication", ({ data }) => setList(data as Version[]));
    // Also after the line was lost: what was saved meanwhile is in the answer.
    subscription.on("subscribed", () => {
      hub.rpc("editing.versions", {}).then(
        ({ data }) => setList(data as Version[]),
        () => undefined,
      );
    });
    subscription.subscribe();
    return () => hub.removeSubscription(subscription);
  }, [hub]);

  const ask = async (method: string, data: object) => {
    try {
      await hub.rpc(method, data);
      setTrouble("");
      return true;
    } catch (error) {
      setTrouble(error instanceof Error && error.message ? error.message : "The server did not answer. Try again.");
      return false;
    }
  };
  return {
    list,
    trouble,
    save: (label) => ask("editing.save", { label }),
    restore: (number) => ask("editing.restore", { number }),
  };
}
