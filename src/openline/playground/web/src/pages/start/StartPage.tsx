/** The way in: what a WebSocket is, shown on the line of this very page, and the uses as doors. */

import "./start.css";

import { Context } from "../../frame/frame";
import { useFraming } from "../../frame/useFraming";
import { Wire } from "../../inspector/Wire";
import { Facts } from "./Facts";
import { doors, Door, further } from "./doors";
import { Ladder } from "./Ladder";

export function StartPage() {
  const { inspection, state, context } = useFraming();
  return (
    <Context.Provider value={context}>
      <div class="start">
        <section class="hero" aria-labelledby="start-title">
          <div class="pitch">
            <h1 id="start-title">
              HTTP is a walkie-talkie.
              <br />
              <em>WebSocket is a phone call.</em>
            </h1>
            <p>
              Over HTTP the browser asks and the server answers; what happens in between, nobody is told. A WebSocket
              begins as one such question. If the server agrees, the line stays open, and from then on both sides talk
              whenever they like.
            </p>
            <p class="quiet">
              Beside this you see the line of the page you are reading: the handshake as it just took place, and each
              frame as it passes. Say something on it.
            </p>
            <Wire watched={inspection.watched} state={state} />
            <Facts watched={inspection.watched} />
          </div>
          <Ladder inspection={inspection} />
        </section>
        <section aria-labelledby="uses-title">
          <h2 id="uses-title">What it is for</h2>
          <p class="quiet">Five applications, each with its server code, its frames, and a pair of scissors for its line.</p>
          <ul class="doors">
            {doors.map((door) => (
              <Door key={door.path} {...door} />
            ))}
          </ul>
        </section>
        <section aria-labelledby="further-title">
          <h2 id="further-title">What people ask</h2>
          <ul class="doors few">
            {further.map((door) => (
              <Door key={door.path} {...door} />
            ))}
          </ul>
        </section>
      </div>
    </Context.Provider>
  );
}
