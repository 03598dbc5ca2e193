import type { Score } from "./match";

const WHAT = { goal: "Goal", shot: "Shot", card: "Yellow card" } as const;

/** The match: the whole state comes each second, and costs a patch. */
export function Ticker({ score }: { score: Score | null }) {
  if (!score)
    return (
      <section class="card ticker" aria-labelledby="ticker-title">
        <header class="card-head">
          <h2 id="ticker-title">Score</h2>
        </header>
        <p class="quiet nothing">The match is about to begin …</p>
      </section>
    );
  const [home, away] = score.teams;
  const newest = [...score.events].reverse();
  return (
    <section class="card ticker" aria-labelledby="ticker-title">
      <header class="card-head">
        <h2 id="ticker-title">Score</h2>
        <p class="sizes" data-patch={score.patch}>
          whole state {score.whole} B, {score.patch ? `sent as a patch of ${score.sent} B` : "sent whole"}
        </p>
      </header>
      <p class="result">
        <span>{home.name}</span>
        <strong>
          {home.goals} : {away.goals}
        </strong>
        <span>{away.name}</span>
      </p>
      <p class="quiet minute">
        minute {score.minute} · ball {home.ball} % to {away.ball} % · shots {home.shots} to {away.shots}
      </p>
      <ol class="events">
        {newest.map((event) => (
          <li key={`${event.minute} ${event.player}`}>
            <span class="count">{event.minute}′</span> {WHAT[event.what]}, {event.player}{" "}
            <span class="quiet">({score.teams[event.team].name})</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
