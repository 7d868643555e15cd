// The frame of every page: no script, nothing from elsewhere, light and dark.
import type { Answer } from '../answer.ts';
import { style } from './style.ts';

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

/** `4,110`, as people read it. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** For somebody with a browser, where a program gets one line of text. */
export function notFoundPage(): Answer {
  return page('Nothing here has that name', `<p>It may have been served by an earlier generation, or the address is not quite right.</p>
<p><a href="/">The catalog</a> lists everything, and <a href="/artifacts">artifacts</a> can be searched by name and digest.</p>`, 404);
}

/** A whole page. `title` is text, `body` is HTML. */
export function page(title: string, body: string, status = 200): Answer {
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="site"><a class="brand" href="/">longshore</a><nav aria-label="Site"><ul><li><a href="/">Catalog</a></li><li><a href="/artifacts">Artifacts</a></li><li><a href="/files/">Files</a></li><li><a href="/api/v1/">API</a></li></ul></nav></header>
<main id="main">
<h1>${escapeHtml(title)}</h1>
${body}
</main>
<footer>Served by longshore. The same as JSON: <a href="/api/v1/">/api/v1/</a> · <a href="/healthz">health</a> · <a href="/metrics">metrics</a></footer>
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
