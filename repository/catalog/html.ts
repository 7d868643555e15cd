// The frame of every page: no script, nothing from elsewhere, light and dark.
import type { Answer } from '../answer.ts';

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

const style = `
:root { color-scheme: light dark; --ink: #1b2330; --soft: #55606f; --paper: #fff; --line: #d8dee6; --field: #f3f5f8; --link: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3adba; --paper: #14181f; --line: #333b47; --field: #1d232c; --link: #7db7ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 78rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
a { color: var(--link); } a:focus-visible, select:focus-visible, summary:focus-visible, pre:focus-visible, div:focus-visible, input:focus-visible, button:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
p, dd { color: var(--soft); } code, pre { font: .875rem/1.45 ui-monospace, monospace; }
pre { background: var(--field); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem 1rem; overflow-x: auto; color: var(--ink); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9375rem; } caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word; } thead th { white-space: nowrap; }
.scroll table { min-width: 46rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } .nowrap { white-space: nowrap; }
td code { color: var(--soft); overflow-wrap: anywhere; } summary { cursor: pointer; }
form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: 1rem 0; } label { display: grid; gap: .2rem; font-size: .875rem; color: var(--soft); }
input, select, button { font: 1rem/1.3 system-ui, sans-serif; height: 2.3rem; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: .3rem; padding: .35rem .6rem; } button { cursor: pointer; }
.sizes { max-width: 46rem; margin: 1.5rem 0; } .sizes .bars { width: 45%; } .bars span { display: block; height: .9rem; background: var(--link); border-radius: .2rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: .5rem 0; } dl.facts dt { font-weight: 600; } dl.facts dd { margin: 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .875rem; color: var(--soft); }
`;

/** A whole page. `title` is text, `body` is HTML. */
export function page(title: string, body: string, status = 200): Answer {
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<main id="main">
<h1>${escapeHtml(title)}</h1>
${body}
</main>
<footer>Served by longshore. The same as JSON: <a href="/api/v1/">/api/v1/</a></footer>
</body>
</html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    },
    body: { kind: 'bytes', bytes: Buffer.from(html) },
  };
}
