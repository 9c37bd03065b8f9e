// The report's style sheet: system fonts, colours of both schemes as variables, nothing fetched.

export const style = `
:root {
  --ground: #fbfbf9; --raised: #ffffff; --ink: #1b1c1e; --soft: #5d6168; --rule: #d9dadc; --grid: #ececea;
  --c0: #1f6fb8; --c1: #1f6fb8; --c2: #b85c00; --c3: #1b1c1e; --c4: #7a3fa0; --allowed: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181b; --raised: #1d2024; --ink: #e9e9e6; --soft: #a0a5ad; --rule: #3a3e45; --grid: #2a2d32;
    --c0: #6db3f2; --c1: #6db3f2; --c2: #f0a352; --c3: #e9e9e6; --c4: #c79be8; --allowed: #ff8a80;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 86rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 0 0 .3rem; }
p { margin: .3rem 0 .8rem; max-width: 60rem; }
a { color: var(--c0); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; }
code { font: .92em ui-monospace, "Liberation Mono", monospace; }
.facts, .small { color: var(--soft); }
.small { font-size: .85rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; margin: .6rem 0 0; padding: 0; }
section { margin: 2.2rem 0; padding-top: 1.6rem; border-top: 1px solid var(--rule); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.2rem; margin: 1rem 0 .4rem; }
figure { margin: 0; min-width: 0; padding: .8rem .8rem .2rem; background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; }
figcaption { font-weight: 600; }
figcaption::first-letter { text-transform: uppercase; }
figure .scroll { margin: 0; } figure svg { display: block; width: 100%; min-width: 34rem; height: auto; }
svg text { font-family: inherit; fill: var(--ink); }
.tick, .axis, .note { font-size: 12px; } .tick, .axis { fill: var(--soft) !important; }
.note { fill: var(--allowed) !important; }
.grid { stroke: var(--grid); } .reference { stroke: var(--soft); stroke-width: 1.2; }
.allowed { stroke: var(--allowed); stroke-width: 1.2; stroke-dasharray: 5 4; }
.leader { stroke: var(--soft); stroke-width: .8; }
.label { font-size: 12px; paint-order: stroke; stroke: var(--raised); stroke-width: 3px; }
.mark { stroke-width: 1.8; } .mark:hover { stroke-width: 4; }
.hollow { fill: var(--raised); } .line { fill: none; stroke-width: 1.2; opacity: .6; }
${[0, 1, 2, 3, 4].map((s) => `.c${s} { stroke: var(--c${s}); } .filled.c${s} { fill: var(--c${s}); } svg .t${s} { fill: var(--c${s}); }`).join("\n")}
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; list-style: none; margin: .4rem 0; padding: 0; font-size: .9rem; }
.legend li { display: flex; align-items: center; gap: .4rem; } .key { width: 16px; height: 16px; overflow: visible; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0 .4rem; font-size: 1rem; }
th, td { padding: .32rem .42rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; }
th:first-child, .words { text-align: left; } tbody th { font-weight: 500; } .strong { font-weight: 700; }
.wraps { white-space: normal; min-width: 8.5rem; }
summary { cursor: pointer; width: fit-content; }
footer { margin-top: 2.5rem; padding-top: 1.4rem; border-top: 1px solid var(--rule); font-size: .92rem; }
.versions { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: .6rem 0; } .versions div { display: flex; gap: .5rem; }
dt { color: var(--soft); } dd { margin: 0; }
@page { size: landscape; }
@media print { body { max-width: none; } .scroll { overflow: visible; } figure svg { min-width: 0; } }
`;
