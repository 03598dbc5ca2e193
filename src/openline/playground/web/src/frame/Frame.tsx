/** What stands around each application: what it shows, the line it runs on, the scissors, its frames, and its server code. */

import "./frame.css";

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { Inspector } from "../inspector/Inspector";
import { framesPassed } from "../inspector/records";
import { Wire } from "../inspector/Wire";
import { Cut } from "./Cut";
import { Context } from "./frame";
import { ServerCode } from "./ServerCode";
import { useFraming } from "./useFraming";

type Side = "app" | "line" | "code";

interface FrameProps {
  /** The page's name: that of its server code. */
  name: string;
  title: string;
  lead: ComponentChildren;
  /** What the application is called on the small screen's switch. */
  label?: string;
  children: ComponentChildren;
}

export function Frame({ name, title, lead, label = title, children }: FrameProps) {
  const { inspection, state, context, setCutUntil } = useFraming();
  const [side, setSide] = useState<Side>("app");
  const panel = side === "code" ? "code" : "line"; // on a wide screen, where the application is always shown

  return (
    <Context.Provider value={context}>
      <div class={`frame shows-${side}`}>
        <div class="intro">
          <h1>{title}</h1>
          <p>{lead}</p>
        </div>
        <div class="wire-row">
          <Wire watched={inspection.watched} state={state} />
          <Cut state={state} until={context.cutUntil} onCut={setCutUntil} />
        </div>
        <div class="sides" role="group" aria-label="What is shown">
          <button class="side-app" type="button" aria-pressed={side === "app"} onClick={() => setSide("app")}>
            {label}
          </button>
          <button
            type="button"
            class={panel === "line" ? "is-shown" : undefined}
            aria-pressed={side === "line"}
            onClick={() => setSide("line")}
          >
            Line <span class="count">{framesPassed(inspection.watched).toLocaleString("en")}</span>
          </button>
          <button
            type="button"
            class={panel === "code" ? "is-shown" : undefined}
            aria-pressed={side === "code"}
            onClick={() => setSide("code")}
          >
            Server code
          </button>
        </div>
        <div class="app">{children}</div>
        <div class="panel">
          {panel === "line" ? <Inspector inspection={inspection} /> : <ServerCode name={name} />}
        </div>
      </div>
    </Context.Provider>
  );
}
