#!/usr/bin/env node
// The same compiler for who compiles again and again: loaded once, and warm. `solc-warm.js serve SOCKET` stays and
// compiles what comes; called the way solc.js is, with that SOCKET in SOLC_SOCKET, it hands the question on.
"use strict";
const net = require("net");

/** A stream's bytes to its end. */
function readAll(stream, done) {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => done(Buffer.concat(parts)));
}

/** An empty question asks for the version, any other is the compiler's JSON input with all its sources. */
function serve(socket) {
  const solc = require("solc");
  const version = `Version: ${solc.version()}\n`;
  const known = new Map();

  // Before it runs chosen tests forge asks for the ABI of every source, to see what tests there are, and asks again
  // whatever changed. What is changed here are the bodies of functions, so one answer does for all.
  function answer(question) {
    if (question.length === 0) return version;
    const { sources, settings } = JSON.parse(question);
    const wanted = Object.values(settings.outputSelection).flatMap((selected) => Object.values(selected).flat());
    if (wanted.some((kind) => kind !== "abi")) return solc.compile(question);
    const names = Object.keys(sources).join();
    if (!known.has(names)) known.set(names, solc.compile(question));
    return known.get(names);
  }

  net
    .createServer({ allowHalfOpen: true }, (connection) => {
      readAll(connection, (question) => connection.end(answer(question.toString())));
    })
    .listen(socket, () => process.stdout.write("ready\n"));
}

if (process.argv[2] === "serve") {
  serve(process.argv[3]);
} else {
  const connection = net.connect(process.env.SOLC_SOCKET);
  if (process.argv.includes("--version")) connection.end();
  else process.stdin.pipe(connection);
  connection.pipe(process.stdout);
}
