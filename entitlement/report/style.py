"""The one stylesheet of pages and reports: light or dark as the system is, in the dashboard's colours."""

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f7f6f2; --panel: #ffffff; --ink: #1a2026; --quiet: #59626b; --line: #e2dfd6; --grid: #eeebe4;
  --one: #24604f; --one-soft: #24604f22; --two: #9a5b17; --three: #6a5fa0; --four: #2f6a9f; --five: #b9b3a5;
  --six: #a3333b; --warn: #7a4206; --warn-ground: #fdf2e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161a; --panel: #1a1f25; --ink: #e8e6e0; --quiet: #a3acb4; --line: #2d343c; --grid: #262c33;
    --one: #6cc4a9; --one-soft: #6cc4a922; --two: #e3ad6d; --three: #b3a9dc; --four: #86b7e6; --five: #5d6670;
    --six: #f0929a; --warn: #f2c98d; --warn-ground: #33291a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
:focus-visible { outline: 3px solid var(--four); outline-offset: 2px; border-radius: .25rem; }
.bar { background: var(--ground); border-bottom: 1px solid var(--line); }
.bar > div {
  max-width: 62rem; margin: 0 auto; padding: .6rem 1.25rem;
  display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.1rem;
}
.bar a { color: var(--quiet); text-decoration: none; font-size: .94rem; }
.bar a:hover { color: var(--ink); text-decoration: underline; }
.bar .brand {
  display: inline-flex; align-items: center; gap: .55rem;
  color: var(--ink); font-weight: 680; font-size: 1rem;
}
.bar svg { width: 1.6rem; height: 1.6rem; }
.bar .places { margin-left: auto; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.bar .dashboard { color: var(--one); font-weight: 580; }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 3rem; }
footer { padding-bottom: 4rem; color: var(--quiet); font-size: .9rem; }
a code { color: inherit; }
section { scroll-margin-top: 1rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; font-weight: 650; }
h2 { font-size: 1.25rem; margin: 0 0 .25rem; letter-spacing: -.005em; font-weight: 620; }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; font-weight: 600; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
a { color: var(--one); text-underline-offset: .15em; }
.quiet { color: var(--quiet); }
.stamp { color: var(--quiet); font-size: .92rem; overflow-wrap: anywhere; }
.stale {
  background: var(--warn-ground); color: var(--warn); border-radius: .5rem; padding: .7rem 1rem;
  margin: 1rem 0 0;
}
section {
  background: var(--panel); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.4rem 1.5rem 1.2rem; margin: 1.4rem 0;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin: 1.8rem 0 0;
}
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 14px; padding: 1rem 1.2rem; }
.tile b { display: block; font-size: 1.45rem; font-weight: 620; line-height: 1.3; }
.tile span { color: var(--quiet); font-size: .88rem; }
.scroll { overflow-x: auto; margin: .6rem -.25rem .4rem; padding: 0 .25rem; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
caption { text-align: left; color: var(--quiet); padding-bottom: .3rem; }
th { text-align: left; font-weight: 550; }
thead th {
  color: var(--quiet); font-size: .84rem; border-bottom: 1px solid var(--line); white-space: nowrap;
}
td, th { padding: .38rem .9rem .38rem 0; vertical-align: top; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
td:last-child, th:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody th { font-weight: 400; }
tbody .sum > * { font-weight: 620; }
.in th { padding-left: 1.1rem; }
code { font: .86em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--quiet); font-size: .92rem; }
details dl { font-size: .9rem; margin: .5rem 0; }
dt { font-weight: 550; margin-top: .5rem; }
dd { margin: 0; color: var(--quiet); }
.whole { white-space: nowrap; }
.operation { border-top: 1px solid var(--grid); padding-top: .6rem; }
.operation p { margin: 0; }
.operation ul { margin: .3rem 0 .8rem; padding-left: 1.2rem; font-size: .93rem; }
.key { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem; margin-right: .5rem; }
.legend { color: var(--quiet); font-size: .88rem; margin: .2rem 0 .6rem; }
.legend .item { display: inline-block; margin-right: 1.2rem; white-space: nowrap; }
.k1 { background: var(--one); } .k2 { background: var(--two); } .k3 { background: var(--three); }
.k4 { background: var(--four); } .k5 { background: var(--five); } .k6 { background: var(--six); }
figure { margin: .8rem 0 .4rem; overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg.plot { min-width: 32rem; }
svg.shares { height: 2.1rem; margin: .9rem 0 .6rem; border-radius: .3rem; }
.label { font-size: 12px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
.strong { fill: var(--ink); font-weight: 600; font-size: 13px; }
.end { text-anchor: end; } .middle { text-anchor: middle; } .start { text-anchor: start; }
.grid { stroke: var(--grid); } .axis { stroke: var(--line); stroke-width: 1.5; }
.down { stroke: var(--quiet); stroke-dasharray: 3 4; }
.curve { fill: none; stroke: var(--one); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
.against { fill: none; stroke: var(--two); stroke-width: 2; stroke-dasharray: 5 4; }
.area { fill: var(--one-soft); }
.mark { fill: var(--two); stroke: var(--panel); stroke-width: 2; }
.series-1 { fill: var(--one); } .series-2 { fill: var(--two); }
.over { fill: var(--six); } .under { fill: var(--one); }
.p1 { fill: var(--one); } .p2 { fill: var(--two); } .p3 { fill: var(--three); } .p4 { fill: var(--four); }
.p5 { fill: var(--five); } .p6 { fill: var(--six); }
.state {
  border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .6rem; font-size: .82rem;
  white-space: nowrap;
}
.state.ready { border-color: var(--two); color: var(--two); }
.state.waiting { border-color: var(--four); color: var(--four); }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  header { padding-top: 1.8rem; }
  .bar > div { padding: .6rem .8rem; } .bar .dashboard { margin-left: auto; }
  .bar .places { flex-basis: 100%; margin: 0; gap: .2rem .9rem; }
  section { padding: 1.1rem 1rem .9rem; border-radius: .6rem; margin: 1rem 0; }
  main, header, footer { padding-left: .8rem; padding-right: .8rem; }
  h1 { font-size: 1.5rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .6rem; }
  .tile { padding: .7rem .8rem; } .tile b { font-size: 1.1rem; }
  table { font-size: .86rem; } .whole { white-space: normal; } td, th { padding-right: .6rem; }
}
@media print { section { break-inside: avoid; border: 0; padding: 0; } }
"""

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy: nothing is run, fetched or sent; the one stylesheet is known by its digest."""
POLICY_OF_FILES = POLICY.partition("; frame-ancestors")[0]
"""For a page in a file, where it stands in the page itself: browsers refuse to read of frames there."""
