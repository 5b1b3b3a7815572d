import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the assets find each other wherever the page is served.
  base: "./",
  resolve: {
    alias: {
      "monaco-editor/esm/vs/editor/edcore.main.js": fileURLToPath(new URL("src/monaco.js", import.meta.url)),
      // The old name of the same plugin, which would be bundled twice.
      "prettier/parser-graphql": "prettier/plugins/graphql",
    },
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    // Data URLs would need looser rules in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      // "use client" and the like mean nothing in a bundle without a server.
      onLog(level, log, handler) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log);
      },
    },
  },
  worker: { format: "es" },
});
