import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  // With relative URLs the page can be served below any path.
  base: "./",
  resolve: {
    alias: {
      "monaco-editor/esm/vs/editor/edcore.main.js": fileURLToPath(new URL("src/monaco.js", import.meta.url)),
      // This is the old name of the same plugin. Without the alias it would be bundled twice.
      "prettier/parser-graphql": "prettier/plugins/graphql",
    },
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    // Assets as data: URLs would need a looser Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      // Directives such as "use client" have no meaning in a bundle without a server.
      onLog(level, log, handler) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log);
      },
    },
  },
  worker: { format: "es" },
});
