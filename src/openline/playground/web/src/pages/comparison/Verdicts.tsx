import { Key } from "./Figures";
import { names, techniques, type Technique } from "./techniques";
import type { Verdict } from "./useComparison";

export function Verdicts({ verdicts }: { verdicts: Verdict[] }) {
  return (
    <section class="card verdicts" aria-labelledby="verdicts-title">
      <div class="card-head">
        <h2 id="verdicts-title">When should I use which?</h2>
        <span class="quiet">Computed from the figures above; move a slider, and it may be another one.</span>
      </div>
      {verdicts.length === 0 && <p class="quiet waiting">The first figures come in a few seconds.</p>}
      <dl>
        {verdicts.map((verdict) => (
          <div class="question" key={verdict.question}>
            <dt>{verdict.question}</dt>
            <dd>
              <span class="answers">
                {verdict.answer.map((answer, index) => (
                  <Answer key={answer} answer={answer} first={index === 0} />
                ))}
              </span>
              <span class="because">{verdict.because}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Answer({ answer, first }: { answer: string; first: boolean }) {
  const technique = techniques.find((one): one is Technique => one === answer);
  return (
    <span class={`answer ${first ? "first" : ""}`}>
      {technique && <Key technique={technique} />}
      {technique ? names[technique] : "An HTTP request"}
    </span>
  );
}
