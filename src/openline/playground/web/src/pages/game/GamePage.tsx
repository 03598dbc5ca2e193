/** The game: an arena that the server owns, and what the page does so that it feels as if it did not. */

import "../../visitor/avatar.css"; // the tints
import "./game.css";

import { Frame } from "../../frame/Frame";
import { Arena } from "./Arena";
import { FAR, type Figures, type Score, type Settings, type Standing } from "./game";
import { useGame, type OnGame } from "./useGame";

export function GamePage() {
  return (
    <Frame
      name="game"
      title="Game"
      label="Arena"
      lead={
        <>
          The server owns this arena and moves it on thirty times a second. Each player gets only what has changed of what he
          sees. Collect sparks, and dash into others to take theirs; then cut the line: your ship is kept.
        </>
      }
    >
      <GameApp />
    </Frame>
  );
}

function GameApp() {
  const on = useGame();
  const { game, scores, ships, players, told, figures, settings, set } = on;
  return (
    <section class="card game" aria-labelledby="game-title">
      <header class="game-head">
        <h2 id="game-title">The arena</h2>
        <p class="count">{ships ? `${ships} ships, ${players === 1 ? "one is yours" : `${players} flown by people`}` : ""}</p>
        <p class="quiet game-keys" id="game-keys">
          <kbd>W</kbd>
          <kbd>A</kbd>
          <kbd>S</kbd>
          <kbd>D</kbd> or arrows to fly, <kbd>Space</kbd> to dash
        </p>
      </header>
      <div class="arena">
        <Arena game={game} label="The arena. Fly with the arrow keys, dash with Space." />
        <Scores scores={scores} mine={game.ship} />
        <Notice on={on} />
        <p class={`game-told ${told ? "is-shown" : ""}`} role="status">
          {told}
        </p>
      </div>
      <Switches settings={settings} set={set} />
      <Numbers figures={figures} />
    </section>
  );
}

function Scores({ scores, mine }: { scores: Score[]; mine: number }) {
  if (!scores.length) return null;
  return (
    <ol class="game-scores" aria-label="Most sparks">
      {scores.map((one) => (
        <li key={one.id} class={one.id === mine ? "is-mine" : undefined}>
          <i class={`game-dot tint-${one.color}`} aria-hidden="true" />
          <bdi>{one.name}</bdi>
          {one.id === mine && <span class="unseen"> (you)</span>}
          <b>{one.score}</b>
        </li>
      ))}
    </ol>
  );
}

const SAID: Record<Exclude<Standing, "playing">, [string, string]> = {
  joining: ["A seat is being found …", ""],
  full: ["All arenas are full", "The next seat that is free is yours."],
  elsewhere: ["You play in another window", "A seat has one line, and the other has it now."],
  out: ["This arena has closed", "Another is open."],
};

function Notice({ on }: { on: OnGame }) {
  const { standing, state, game, back } = on;
  if (state === "lost")
    return (
      <div class="game-notice" role="status">
        <h3>The line is cut</h3>
        <p>Your ship waits where it is, and nobody can tag it. You come back into your seat.</p>
      </div>
    );
  if (standing === "playing")
    return (
      <p class="unseen" role="status">
        {back ? "You are back in your seat." : "You are in the arena."}
      </p>
    );
  const [title, text] = SAID[standing];
  return (
    <div class="game-notice" role="status">
      <h3>{title}</h3>
      {text && <p>{text}</p>}
      {(standing === "elsewhere" || standing === "out") && (
        <button class="button primary" type="button" onClick={() => void game.join()}>
          Play here
        </button>
      )}
    </div>
  );
}

const SWITCHES: [keyof Settings, string, string][] = [
  ["prediction", "Prediction", "Your ship moves as you steer, before the server has heard of it, and is put right by what it says."],
  ["interpolation", "Interpolation", "The others are drawn a tenth of a second ago, between two states, instead of jumping from one to the next."],
  ["far", `Far away (+${FAR} ms)`, "Every message is held up on its way, as if the server were on another continent."],
];

function Switches({ settings, set }: { settings: Settings; set(settings: Settings): void }) {
  return (
    <fieldset class="game-switches">
      <legend class="unseen">What the page does</legend>
      {SWITCHES.map(([name, title, text]) => (
        <label key={name} title={text}>
          <input
            class="unseen"
            type="checkbox"
            role="switch"
            checked={settings[name]}
            onChange={(event) => set({ ...settings, [name]: event.currentTarget.checked })}
          />
          <span class="switch" aria-hidden="true" />
          {title}
        </label>
      ))}
    </fieldset>
  );
}

function Numbers({ figures }: { figures: Figures | null }) {
  const rows: [string, string, string][] = [
    ["Answer", figures?.ping == null ? "–" : `${Math.round(figures.ping)} ms`, "From an input to the state that has it"],
    ["Tick", figures?.tick ? figures.tick.toLocaleString("en") : "–", "The server's, thirty a second"],
    ["Down", figures ? rate(figures.down) : "–", "States, with their frames"],
    ["Up", figures ? rate(figures.up) : "–", "Inputs, with their frames"],
    ["Seen", figures?.total ? `${figures.seen} of ${figures.total}` : "–", "Ships and sparks in your sight, of all"],
    ["Off by", figures?.ping == null ? "–" : `${figures.error.toFixed(1)}`, "How far the prediction was from the server, in units"],
  ];
  return (
    <dl class="game-figures">
      {rows.map(([name, value, about]) => (
        <div key={name} title={about}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function rate(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB/s`;
}
