/** One device: a connection of its own, and its copy of the inbox. */

import type { Centrifuge } from "centrifuge";
import { useEffect, useMemo, useState } from "preact/hooks";

import { useHub } from "../../hub/useHub";
import type { LineState } from "../../line/line";
import { Inbox, type InboxState } from "./inbox";

export interface Device {
  name: "Phone" | "Laptop";
  hub: Centrifuge;
  inbox: Inbox;
  state: InboxState;
  line: LineState;
  /** Whether its user has it switched on. */
  on: boolean;
  /** Whether it is connected, and has read its inbox. */
  live: boolean;
  turn(on: boolean): void;
}

export function useDevice(name: Device["name"]): Device {
  const { hub, state: line } = useHub({ aside: true });
  const [state, setState] = useState<InboxState | null>(null);
  const [on, setOn] = useState(true);
  const inbox = useMemo(() => new Inbox(hub, () => setState(inbox.state)), [hub]);
  useEffect(() => () => inbox.close(), [inbox]);
  const turn = (next: boolean) => {
    setOn(next);
    if (next) hub.connect();
    else hub.disconnect();
  };
  const live = on && line === "open" && inbox.state.loaded;
  return { name, hub, inbox, state: state ?? inbox.state, line, on, live, turn };
}
