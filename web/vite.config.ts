import { defineConfig } from "vite";

// One script and one style: a snapshot takes both into itself.
export default defineConfig({
  base: "/",
  build: {
    outDir: "../src/pytilt/server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: true,
  },
});
