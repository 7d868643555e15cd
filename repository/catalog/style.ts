/**
 * How every page looks, light and dark. Text has a contrast of at least 4.5 to 1 on what it stands on, edges of controls and focus rings 3 to 1 (WCAG 2.2,
 * 1.4.3 and 1.4.11): test/repository/catalog.test.ts computes them from here.
 */
export const palettes = {
  light: { ink: '#1b2330', soft: '#55606f', paper: '#ffffff', line: '#d8dee6', edge: '#7b8798', field: '#f3f5f8', link: '#0b57a4', mark: '#e7f0fa' },
  dark: { ink: '#e6eaf0', soft: '#a3adba', paper: '#14181f', line: '#333b47', edge: '#75808f', field: '#1d232c', link: '#7db7ff', mark: '#1c2c41' },
} as const;

const variables = (palette: Readonly<Record<string, string>>): string => Object.entries(palette).map(([name, color]) => `--${name}: ${color};`).join(' ');

export const style = `
:root { color-scheme: light dark; ${variables(palettes.light)} }
@media (prefers-color-scheme: dark) { :root { ${variables(palettes.dark)} } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem) 3rem; max-width: 82rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); overflow-wrap: break-word; }
h1 { font-size: clamp(1.3rem, 1rem + 1.6vw, 1.75rem); line-height: 1.25; margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; text-wrap: balance; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
a { color: var(--link); text-underline-offset: .15em; text-decoration-thickness: .06em; } a:hover { text-decoration-thickness: .14em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: .15rem; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; z-index: 1; }
.site { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding: .9rem 0; border-bottom: 1px solid var(--line); } .site .brand { font-weight: 700; color: var(--ink); text-decoration: none; } .site .brand:hover { text-decoration: underline; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none; } main nav { margin: 1rem 0; } nav [aria-current] { font-weight: 700; }
p, dd { color: var(--soft); } .where { margin: .25rem 0 1rem; } code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { background: var(--field); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem 1rem; margin: .5rem 0 1rem; color: var(--ink); white-space: pre-wrap; overflow-wrap: anywhere; } .commands span { display: block; padding-left: 2ch; text-indent: -2ch; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9375rem; } caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; border-bottom: 1px solid var(--line); } thead th { white-space: nowrap; color: var(--soft); font-weight: 600; font-size: .875rem; } tbody th { font-weight: 600; } tbody tr:hover { background: var(--field); }
.scroll tbody th, td code { overflow-wrap: anywhere; } .scroll tbody th { min-width: 13rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } .nowrap { white-space: nowrap; }
td code { color: var(--soft); }
form { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 1rem 0; } label { display: grid; gap: .2rem; font-size: .875rem; color: var(--soft); } label:first-child { flex: 1 1 20rem; max-width: 34rem; }
input, select, button { font: 1rem/1.3 system-ui, sans-serif; min-height: 2.5rem; max-width: 100%; color: var(--ink); background: var(--paper); border: 1px solid var(--edge); border-radius: .35rem; padding: .35rem .7rem; } input { width: 100%; } button { cursor: pointer; background: var(--link); border-color: var(--link); color: var(--paper); font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; margin: .5rem 0 0; padding: 0; list-style: none; }
.card { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; } .card h3 { margin: 0 0 .5rem; font-size: 1.125rem; overflow-wrap: anywhere; } .card dl.facts { font-size: .9375rem; }
.sizes { max-width: 52rem; margin: 1.5rem 0; } .sizes .bars { width: 50%; min-width: 5rem; padding-right: 0; vertical-align: middle; } .bars span { display: block; height: .8rem; min-width: 2px; background: var(--link); border-radius: .15rem; }
dl.facts { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr); gap: .3rem 1.5rem; margin: .5rem 0; } dl.facts dt { font-weight: 600; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: 0 1rem; } details[open] { padding-bottom: .25rem; } summary { cursor: pointer; font-weight: 600; padding: .6rem 0; overflow-wrap: anywhere; }
ul.steps { padding-left: 1.2rem; } ul.steps li { overflow-wrap: anywhere; } small { color: var(--soft); } .note { background: var(--mark); border-radius: .4rem; padding: .9rem 1.1rem; color: var(--ink); }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .875rem; color: var(--soft); }
@media (max-width: 36rem) { form label, form button { flex: 1 1 100%; } label select { width: 100%; } dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; } dl.facts dd { margin-bottom: .5rem; } th, td { padding-right: .6rem; } .sizes .bars { width: 20%; min-width: 2rem; } .sizes tbody th { overflow-wrap: anywhere; } }
@media print { .site, form, nav, .skip { display: none; } }
`;
