import { defineConfig, type Plugin } from "vite";

// The style stands in the page itself: it is drawn before any other file has come.
const styleWithin: Plugin = {
  name: "style-within",
  enforce: "post",
  generateBundle(_, bundle) {
    const page = bundle["index.html"];
    if (page?.type !== "asset") return;
    for (const [name, file] of Object.entries(bundle)) {
      if (file.type !== "asset" || !name.endsWith(".css")) continue;
      const link = new RegExp(`<link rel="stylesheet"[^>]*href="/${name}"[^>]*>`);
      page.source = String(page.source).replace(link, () => `<style>${String(file.source).trim()}</style>`);
      delete bundle[name];
    }
  },
};

// One script: a snapshot takes it into itself.
export default defineConfig({
  base: "/",
  plugins: [styleWithin],
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
