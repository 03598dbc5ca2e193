/** What all pages share: the bar at the top, with the way to the other pages, and the choice of light and dark. */

import "./shell.css";

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { pages, type Page } from "../pages";
import { ThemeSwitch } from "./ThemeSwitch";

export function Shell({ page, children }: { page: Page; children: ComponentChildren }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the pages do not all fit into the row: this one is to be seen.
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && here) nav.current.scrollLeft = here.offsetLeft - nav.current.clientWidth / 2 + here.offsetWidth / 2;
  }, [page]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="bar">
        <a class="brand" href="/" aria-label="openline playground">
          <Mark />
          <span class="brand-name">openline</span>
        </a>
        <nav class="pages" aria-label="Pages" ref={nav}>
          {pages.map((other) => (
            <a key={other.path} href={other.path} aria-current={other === page ? "page" : undefined}>
              {other.title}
            </a>
          ))}
        </nav>
        <ThemeSwitch />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 40 16" width="40" height="16" aria-hidden="true">
      <circle class="mark-page" cx="8" cy="8" r="5.5" />
      <path class="mark-line" d="M13.5 8h13" />
      <circle class="mark-server" cx="32" cy="8" r="5.5" />
    </svg>
  );
}
