import { defineConfig } from "vite";

// File names carry no hash, so that a change of the build shows as a change of the same three files.
export default defineConfig({
  base: "/static/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/retouch/server/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: { entryFileNames: "editor.js", chunkFileNames: "[name].js", assetFileNames: "editor[extname]" },
    },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
});
