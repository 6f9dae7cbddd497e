#!/usr/bin/env node
// The compiler of npm's `solc` package behind the two calls that forge and
// py-solc-x make of a native solc: `--version` and `--standard-json`.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

/** Answers the compiler's request for an imported file from the allowed roots. */
function readImport(roots) {
  return (name) => {
    for (const root of roots) {
      const candidate = path.resolve(root, name);
      if (fs.existsSync(candidate)) return { contents: fs.readFileSync(candidate, "utf8") };
    }
    return { error: `no file ${name} under ${roots.join(", ")}` };
  };
}

/** `process.exit` drops what a pipe has not taken yet, and an answer has megabytes: write it all first. */
function writeAll(text) {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += fs.writeSync(1, bytes, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  const version = solc.version().replace(/\.Emscripten\.clang$/, "");
  writeAll(`solc, the solidity compiler commandline interface\nVersion: ${version}.Emscripten.clang\n`);
} else if (args.includes("--standard-json")) {
  const base = args.indexOf("--base-path");
  const roots = [base >= 0 ? args[base + 1] : process.cwd()];
  args.forEach((arg, i) => {
    if (arg === "--include-path") roots.push(args[i + 1]);
  });
  writeAll(solc.compile(fs.readFileSync(0, "utf8"), { import: readImport(roots) }));
} else {
  process.stderr.write("usage: solc.js --version | --standard-json < input.json\n");
  process.exitCode = 1;
}
