// What charts are resolved with.
import type { Notify } from '../../bom/events.ts';
import type { BlobReader, BlobWriter } from '../../bom/ports.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import type { RegistryPool } from '../../transport/registry.ts';
import type { OriginContext } from './chart-origin.ts';

export interface ChartSourceOptions {
  readonly http: HttpClient;
  readonly registry: RegistryPool;
  readonly blobs: BlobReader & BlobWriter;
  readonly notify: Notify;
  readonly headersFor: (name: string) => Promise<Readonly<Record<string, string>>>;
  readonly now: () => Date;
  /** Addresses of repositories that this machine's Helm knows by name, for `@name` dependencies. */
  readonly aliases?: () => Promise<ReadonlyMap<string, string>>;
  /** A file with the authorities that git judges https servers by. */
  readonly authorities?: () => Promise<string | undefined>;
  readonly spoolDir?: string;
  readonly concurrency?: number;
}

/** What resolving one chart needs besides the chart. */
export interface ChartContext extends ChartSourceOptions, Omit<OriginContext, 'headersFor' | 'http' | 'registry' | 'signal'> {
  readonly origin: OriginContext;
  readonly signal: AbortSignal;
  readonly warnings: string[];
  readonly folder: string;
}
