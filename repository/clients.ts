import { type Area, areaOf } from './metrics.ts';
import type { AccessRecord } from './access-record.ts';

export interface SeenClient {
  readonly address: string;
  /** ISO 8601. */
  readonly lastSeen: string;
  readonly requests: number;
  readonly areas: readonly Area[];
  /** As it last called itself, shortened. */
  readonly agent: string;
}

const clientLimit = 5000;

/** Which machines use this one, by address, in memory: the latest 5,000. */
export class SeenClients {
  private readonly clients = new Map<string, SeenClient>();

  note(record: AccessRecord, agent: string): void {
    if (record.address === '' || record.path === '/healthz' || record.path === '/metrics') return;
    const before = this.clients.get(record.address);
    // Deleting first keeps the map in order of last use.
    this.clients.delete(record.address);
    const areas = new Set([...(before?.areas ?? []), areaOf(record.path)]);
    this.clients.set(record.address, { address: record.address, lastSeen: record.time, requests: (before?.requests ?? 0) + 1, areas: [...areas].sort(), agent: agent.slice(0, 120) });
    const [oldest] = this.clients.keys();
    if (this.clients.size > clientLimit && oldest !== undefined) this.clients.delete(oldest);
  }

  /** Latest first. */
  list(): SeenClient[] {
    return [...this.clients.values()].reverse();
  }
}
