// Counters and gauges as text: Prometheus exposition format 0.0.4.
import { type Answer, textAnswer } from './answer.ts';
import { itemsOf, summaryOf } from './catalog/inventory.ts';
import type { AccessRecord } from './access-record.ts';
import type { View } from './view.ts';

/** Parts of the service that are counted apart. Few and fixed, so that no client can make new ones. */
const areas = ['registry', 'apt', 'yum', 'files', 'charts', 'git', 'page', 'api', 'other'] as const;
export type Area = (typeof areas)[number];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const bucketsSeconds = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600];

export function areaOf(path: string): Area {
  const top = path.split('/', 2)[1] ?? '';
  switch (top) {
    case 'v2': return 'registry';
    case '': case 'artifact': case 'artifacts': case 'changes': return 'page';
    case 'apt': case 'yum': case 'files': case 'charts': case 'git': case 'api': return top;
    default: return 'other';
  }
}

interface Timing { count: number; seconds: number; readonly buckets: number[] }

export class Metrics {
  inFlight = 0;
  private readonly requests = new Map<string, number>();
  private readonly sent = new Map<Area, number>();
  private readonly timings = new Map<Area, Timing>();
  private failures = 0;
  private refused = 0;
  private switches = 0;
  private lastSwitch = 0;

  request(record: AccessRecord): void {
    const area = areaOf(record.path);
    const method = methods.includes(record.method) ? record.method : 'other';
    const key = `area="${area}",method="${method}",code="${record.status}"`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    this.sent.set(area, (this.sent.get(area) ?? 0) + record.bytes);
    const timing = this.timings.get(area) ?? { count: 0, seconds: 0, buckets: bucketsSeconds.map(() => 0) };
    this.timings.set(area, timing);
    const seconds = record.milliseconds / 1000;
    timing.count += 1;
    timing.seconds += seconds;
    for (const [index, bound] of bucketsSeconds.entries()) if (seconds <= bound) timing.buckets[index] = (timing.buckets[index] ?? 0) + 1;
    if (record.status >= 500) this.failures += 1;
    if (record.status === 401 || record.status === 403 || record.status === 429) this.refused += 1;
  }

  switched(nowMs: number): void {
    this.switches += 1;
    this.lastSwitch = nowMs / 1000;
  }

  answer(view: View, gauges: { readonly freeBytes: number | undefined; readonly uploads: number }): Answer {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): void => {
      if (samples.length === 0) return;
      lines.push(`# HELP longshore_${name} ${help}`, `# TYPE longshore_${name} ${type}`, ...samples.map(([labels, value]) => `longshore_${name}${labels} ${value}`));
    };
    family('http_requests_total', 'counter', 'Answered requests.', [...this.requests].map(([key, value]) => [`{${key}}`, value]));
    family('http_sent_bytes_total', 'counter', 'Bytes of bodies that were sent.', [...this.sent].map(([area, value]) => [`{area="${area}"}`, value]));
    family('http_requests_in_flight', 'gauge', 'Requests being answered.', [['', this.inFlight]]);
    family('http_request_seconds', 'histogram', 'Time from headers to the end of the answer.', [...this.timings].flatMap(([area, timing]) => this.histogram(area, timing)));
    family('http_failures_total', 'counter', 'Answers with a 5xx status.', [['', this.failures]]);
    family('http_refused_total', 'counter', 'Answers with status 401, 403 or 429.', [['', this.refused]]);
    family('switches_total', 'counter', 'Contents switched to since the start.', [['', this.switches]]);
    family('last_switch_timestamp_seconds', 'gauge', 'When the content was last switched.', this.lastSwitch === 0 ? [] : [['', this.lastSwitch]]);
    family('uploads_open', 'gauge', 'Blob uploads in progress.', [['', gauges.uploads]]);
    family('disk_free_bytes', 'gauge', 'Free bytes where pushed content goes.', gauges.freeBytes === undefined ? [] : [['', gauges.freeBytes]]);
    family('resident_memory_bytes', 'gauge', 'Memory of the process.', [['', process.memoryUsage.rss()]]);
    family('generation', 'gauge', 'Generation that is served, by project.', view.served.map(({ lock, generation }) => [label({ project: lock.metadata.name }), generation ?? 0]));
    family('content_bytes', 'gauge', 'Distinct bytes that a project carries.', view.served.map((served) => [label({ project: served.lock.metadata.name }), summaryOf(served).totalBytes]));
    family('artifacts', 'gauge', 'Artifacts that a project carries.', view.served.flatMap((served) => [...Map.groupBy(itemsOf(served), ({ kind }) => kind)]
      .map(([kind, items]) => [label({ project: served.lock.metadata.name, kind }), items.length] as const)));
    return textAnswer(200, `${lines.join('\n')}\n`, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' });
  }

  private histogram(area: Area, { count, seconds, buckets }: Timing): [string, number][] {
    return [
      ...bucketsSeconds.map((bound, index): [string, number] => [`_bucket{area="${area}",le="${bound}"}`, buckets[index] ?? 0]),
      [`_bucket{area="${area}",le="+Inf"}`, count], [`_sum{area="${area}"}`, seconds], [`_count{area="${area}"}`, count],
    ];
  }
}

function label(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`).join(',')}}`;
}
