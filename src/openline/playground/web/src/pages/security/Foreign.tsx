import { useState } from "preact/hooks";

import type { Overheard } from "./useOverheard";

export function Foreign({ overheard }: { overheard: Overheard }) {
  const [tries, setTries] = useState(0);
  const { ports, refused, token } = overheard;
  const secure = location.protocol === "https:";
  return (
    <section class="card" aria-labelledby="foreign-title">
      <div class="card-head">
        <h2 id="foreign-title">A foreign page, with your cookie</h2>
        <button
          class="button small"
          type="button"
          disabled={!ports || secure}
          onClick={() => {
            overheard.forgetRefusal();
            setTries(tries + 1);
          }}
        >
          {tries ? "Let it try again" : "Let it try"}
        </button>
      </div>
      <p class="explained">
        Any page may open a WebSocket to any server, and the browser sends that server’s cookies along: CORS does not hold here.
        What protects you is one header that no script can change.
      </p>
      {secure && <p class="notice">Over TLS the browser shows no page that came without it: try this on openline demo without --tls.</p>}
      {tries > 0 && ports && (
        <div class="attempt">
          <iframe
            key={tries}
            title="A page of another origin"
            src={`http://${location.hostname}:${ports.foreign}/?watch=${token}`}
          />
          <dl class="seen" aria-live="polite">
            {refused ? (
              <>
                <dt>Origin</dt>
                <dd>
                  <mark class="bad">{refused.origin}</mark> which is not this page’s
                </dd>
                <dt>Host</dt>
                <dd>{refused.host}</dd>
                <dt>Cookie</dt>
                <dd>{refused.cookie ? "yours: the browser has sent it" : "none"}</dd>
                <dt>Answer</dt>
                <dd>
                  <strong>{refused.status} Forbidden</strong>
                </dd>
              </>
            ) : (
              <dd class="quiet">The server has not seen it yet.</dd>
            )}
          </dl>
        </div>
      )}
      <p class="explained">
        Without the check the server would have taken it for you: the page could have read your messages and written in your
        name, from a tab that you forgot. The hub checks Origin by default; for <code>serve</code> there is{" "}
        <code>origins=</code>.
      </p>
    </section>
  );
}
