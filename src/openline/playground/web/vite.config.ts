import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the Content-Security-Policy allows this origin's files, and no data: fonts or scripts
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
});
