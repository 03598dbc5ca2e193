import { useState } from "preact/hooks";

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const labels: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(chosen);
  const choose = (next: Theme) => {
    setTheme(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next); // read before the first paint by theme-first.js
    } catch {
      // No storage here: the choice holds until the page is left.
    }
  };
  return (
    <fieldset class="themes">
      <legend class="unseen">Colours</legend>
      {themes.map((name) => (
        <label key={name} title={labels[name]}>
          <input
            class="unseen"
            type="radio"
            name="theme"
            value={name}
            checked={theme === name}
            onChange={() => choose(name)}
          />
          <Icon theme={name} />
          <span class="unseen">{labels[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}

function chosen(): Theme {
  const set = document.documentElement.dataset.theme;
  return themes.find((theme) => theme === set) ?? "system";
}

function Icon({ theme }: { theme: Theme }) {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {theme === "system" && <path d="M3 4.5h14v9H3zM7.5 16.5h5" />}
      {theme === "light" && (
        <>
          <circle cx="10" cy="10" r="3.4" />
          <path d="M10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M4.7 15.3l1-1M14.3 5.7l1-1" />
        </>
      )}
      {theme === "dark" && <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z" />}
    </svg>
  );
}
