/** The page's server code, as it stands in the file that runs. */

import { useEffect, useState } from "preact/hooks";

import { tokens } from "./python";

interface Source {
  file: string;
  code: string;
}

export function ServerCode({ name }: { name: string }) {
  const [source, setSource] = useState<Source | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    fetch(`/sources/${name}`)
      .then((answer) => (answer.ok ? (answer.json() as Promise<Source>) : Promise.reject(new Error(answer.statusText))))
      .then(setSource, () => setFailed(true));
  }, [name]);
  const lines = source?.code.trimEnd().split("\n").length;
  return (
    <section class="card code" aria-labelledby="code-title">
      <div class="card-head">
        <h2 id="code-title">Server code</h2>
        {source && (
          <span class="quiet">
            <code>{source.file}</code> · {lines} lines
          </span>
        )}
      </div>
      {failed && <p class="notice">The code could not be fetched. Load the page anew to try again.</p>}
      {source && (
        <pre tabIndex={0} aria-label={`The text of ${source.file}`}>
          <code>
            {tokens(source.code.trimEnd()).map(([kind, text], index) =>
              kind === "plain" ? text : (
                <span key={index} class={`py-${kind}`}>
                  {text}
                </span>
              ),
            )}
          </code>
        </pre>
      )}
    </section>
  );
}
