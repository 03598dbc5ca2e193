/** Versions: save the document as it is, and go back to what it was. */

import { useRef, useState } from "preact/hooks";

import type { Version, Versions } from "./versions";

const LONGEST_LABEL = 60; // as the server has it

interface Props {
  versions: Versions;
  readOnly: boolean;
  /** Whether the server can be asked. */
  online: boolean;
}

export function VersionList({ versions, readOnly, online }: Props) {
  const [busy, setBusy] = useState(false);
  const [label, setLabel] = useState("");
  const [done, setDone] = useState("");
  const field = useRef<HTMLInputElement>(null);

  const act = async (what: () => Promise<boolean>, said: string) => {
    setBusy(true);
    const well = await what();
    setBusy(false);
    setDone(well ? said : "");
    return well;
  };
  const save = async (event: Event) => {
    event.preventDefault();
    if (await act(() => versions.save(label), "The version is saved.")) setLabel("");
    field.current?.focus();
  };
  const { list, trouble } = versions;
  return (
    <section class="versions" aria-labelledby="versions-title">
      <h3 id="versions-title">
        Versions {list && list.length > 0 && <span class="count">{list.length}</span>}
      </h3>
      {!readOnly && (
        <form class="version-form" onSubmit={save}>
          <label class="unseen" for="version-label">
            Name of the version
          </label>
          <input
            ref={field}
            id="version-label"
            type="text"
            maxLength={LONGEST_LABEL}
            placeholder="Name it, or not"
            autocomplete="off"
            value={label}
            onInput={(event) => setLabel(event.currentTarget.value)}
          />
          <button type="submit" class="button small" disabled={busy || !online}>
            Save a version
          </button>
        </form>
      )}
      <p class="versions-said" role="status">
        {trouble || done}
      </p>
      {list === null ? (
        <p class="quiet">Asking the server …</p>
      ) : list.length === 0 ? (
        <p class="quiet">None yet. Save one, spoil the text, and go back.</p>
      ) : (
        <ol class="version-list">
          {list.map((version) => (
            <VersionRow
              key={version.number}
              version={version}
              restore={readOnly ? null : () => act(() => versions.restore(version.number), `Version ${version.number} is back.`)}
              disabled={busy || !online}
            />
          ))}
        </ol>
      )}
    </section>
  );
}

interface RowProps {
  version: Version;
  restore: (() => Promise<boolean>) | null;
  disabled: boolean;
}

function VersionRow({ version, restore, disabled }: RowProps) {
  const { number, label, author, at } = version;
  const time = new Date(at * 1000);
  return (
    <li class="version">
      <span class="version-number">{number}</span>
      <span class="version-what">
        <span class="version-label">{label || "Untitled"}</span>
        <span class="version-by">
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit" })}</time>
          {author && ` · ${author}`}
        </span>
      </span>
      {restore && (
        <button type="button" class="button small" disabled={disabled} onClick={restore}>
          Restore<span class="unseen"> version {number}</span>
        </button>
      )}
    </li>
  );
}
