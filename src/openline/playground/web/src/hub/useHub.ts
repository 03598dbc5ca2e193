/** A centrifuge-js client on the playground's hub, watched by the inspector and cut by the scissors. */

import { Centrifuge } from "centrifuge";
import { useEffect, useMemo, useState } from "preact/hooks";

import { useFrame } from "../frame/frame";
import type { LineState } from "../line/line";
import { myColor, myName } from "../visitor/visitor";

export interface HubOptions {
  /** The client's class. `ProtobufCentrifuge` speaks protobuf; its page alone has to load it. */
  client?: typeof Centrifuge;
  /** What the hub is told at connecting, besides name and colour. */
  data?: object;
  /** A further line of the page, beside its main one: its state is not the wire's. */
  aside?: boolean;
}

export interface OnHub {
  /** Made once, and connected as soon as the frame is ready. */
  hub: Centrifuge;
  state: LineState;
}

const FIRST_DELAY = 400; // milliseconds
const UNAUTHORIZED = 101; // the hub's error
const LONGEST_DELAY = 5_000;

export function hubUrl(token: string, encoding: "json" | "protobuf" = "json"): string {
  const url = new URL(`/connection/websocket?inspect=${token}&format=${encoding}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export function useHub({ client: Client = Centrifuge, data = {}, aside = false }: HubOptions = {}): OnHub {
  const { ready, token, report } = useFrame();
  const [state, setState] = useState<LineState>("connecting");
  const hub = useMemo(() => {
    const encoding = Client === Centrifuge ? "json" : "protobuf";
    const client = new Client(hubUrl(token, encoding), {
      minReconnectDelay: FIRST_DELAY,
      maxReconnectDelay: LONGEST_DELAY,
      data: told(encoding, { ...data, name: myName(), color: myColor() }),
    });
    let opened = false;
    let renewed = false;
    const become = (next: LineState) => {
      setState(next);
      if (!aside) report(next);
    };
    client.on("connecting", () => become(opened ? "lost" : "connecting"));
    client.on("connected", () => {
      opened = true;
      renewed = false;
      become("open");
    });
    client.on("disconnected", ({ code }) => {
      become("lost");
      // A server that was started anew does not know our cookie: any page of it brings a new one.
      // Once: a browser that keeps no cookies is not let in.
      if (code !== UNAUTHORIZED || renewed) return;
      renewed = true;
      void fetch(location.pathname).then(() => client.connect(), () => undefined);
    });
    return client;
  }, []);
  useEffect(() => {
    if (!ready) return;
    hub.connect();
    return () => hub.disconnect();
  }, [hub, ready]);
  return { hub, state };
}

function told(encoding: "json" | "protobuf", data: object): object {
  return encoding === "json" ? data : new TextEncoder().encode(JSON.stringify(data));
}
