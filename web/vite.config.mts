import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The page is served by the API from its own origin, under the addresses that entitlement/api/dashboard.py names.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    rolldownOptions: { input: ["index.html", "docs.html"] },
    emptyOutDir: true,
    target: "es2023",
    // Everything is a file of this origin: the policy allows no inline script, no inline style and no data: font.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 1200,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
