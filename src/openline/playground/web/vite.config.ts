import { readFileSync } from "node:fs";

import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  plugins: [themeFirst()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the Content-Security-Policy allows this origin's files, and no data: fonts or scripts
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
});

/** Puts a script of its own before everything else: as a module it would run only after the first paint. */
function themeFirst(): Plugin {
  let file = "";
  return {
    name: "theme-first",
    buildStart() {
      const source = readFileSync("src/shell/theme-first.js", "utf8");
      file = this.emitFile({ type: "asset", name: "theme-first.js", source });
    },
    generateBundle() {
      file = `/${this.getFileName(file)}`;
    },
    transformIndexHtml: {
      order: "post",
      handler: () => [{ tag: "script", attrs: { src: file }, injectTo: "head-prepend" }],
    },
  };
}
