"""How the page looks, in light and in dark, on narrow screens and on wide ones."""

STYLE = """
:root { --ground: #fcfcfa; --ink: #1f2328; --quiet: #59636e; --line: #d8dbdf; --panel: #f3f4f2; --a: #2f6fb3;
  --b: #b35f00; --bad: #c0242c; --good: #1a7f37; --both: rgb(192 36 44 / 12%); --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e3e6ea; --quiet: #99a2ad; --line: #353b43;
  --panel: #1d2126; --a: #6aa7e8; --b: #e39a45; --bad: #ff7b77; --good: #56c271; --both: rgb(255 123 119 / 16%);
  --on: #15181c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .25rem; }
h3 { font-size: .85rem; font-weight: 600; margin: 0 0 .25rem; color: var(--quiet); position: relative; }
p { margin: .5rem 0; max-width: 46rem; }
section { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
.quiet, figcaption { color: var(--quiet); font-size: .85rem; }
p.good { color: var(--good); font-weight: 600; }
p.bad { color: var(--bad); font-weight: 600; }
code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { background: var(--panel); padding: .6rem .8rem; border-radius: 6px; overflow-x: auto; }
figure { margin: 1.25rem 0; }
.lane { position: relative; padding: .4rem 0 .5rem; border-bottom: 1px solid var(--line); }
.both { position: absolute; top: 0; bottom: 0; background: var(--both); }
.bars { position: relative; }
.bar { position: relative; height: 18px; margin-bottom: 3px; }
.held, .stood { position: absolute; top: 0; bottom: 0; border-radius: 3px; }
.held, .both { min-width: 2px; }
.name { position: absolute; transform: translateX(-100%); padding-right: 4px;
  font: 600 12px/18px system-ui, sans-serif; }
.held.a { background: var(--a); }
.held.b { background: var(--b); }
.name.a { color: var(--a); }
.name.b { color: var(--b); }
.stood { background: repeating-linear-gradient(135deg, var(--ground) 0 2px, transparent 2px 8px); }
.markers { position: relative; margin-top: 6px; height: calc(var(--levels) * 23px); }
.markers b { position: absolute; top: calc(var(--level) * 23px); transform: translateX(-50%); }
.markers b, td b { display: inline-block; width: 20px; height: 20px; border-radius: 50%; text-align: center;
  font: 600 11px/20px system-ui, sans-serif; background: var(--ink); color: var(--ground); }
.markers b.bad, td b.bad { background: var(--bad); color: var(--on); }
.axis { position: relative; height: 1.6rem; font-size: .8rem; color: var(--quiet); }
.axis i { position: absolute; transform: translateX(-50%); font-style: normal; padding-top: .3rem; }
.axis i::before { content: ""; position: absolute; left: 50%; top: 0; height: .3rem;
  border-left: 1px solid var(--quiet); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th { font-weight: 600; color: var(--quiet); font-size: .8rem; vertical-align: bottom; }
th:nth-child(2), td:nth-child(2) { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
ul { padding-left: 1.2rem; margin: .75rem 0; font-size: .9rem; }
@media (max-width: 640px) {
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  table, thead, tbody { display: block; }
  tr { display: grid; grid-template-columns: 26px repeat(var(--times), 1fr); column-gap: .35rem; padding: .3rem 0;
    border-bottom: 1px solid var(--line); }
  th, td { padding: 0; border: 0; }
  th { font-size: .72rem; }
  td:first-child { text-align: left; }
  th:nth-child(2), td:nth-child(2) { grid-column: 2 / -1; }
  th:nth-child(3), td:nth-child(3) { grid-column: 2; text-align: left; }
}
"""
