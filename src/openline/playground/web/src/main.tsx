import "@fontsource-variable/instrument-sans/wght.css";
import "@fontsource-variable/geist-mono/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";

import { render } from "preact";

import { pageAt } from "./pages";
import { Shell } from "./shell/Shell";

const page = pageAt(location.pathname);
document.title = `${page.title} · openline playground`;

void page.load().then((Page) => {
  const app = document.getElementById("app");
  if (app) render(<Shell page={page}><Page /></Shell>, app);
});
