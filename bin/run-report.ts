// The report file of a run: what was done, from where, how far it is trusted, when, and what went wrong. Written also when the run fails.
import type { Lock } from '../bom/lock.ts';
import { artifactsOf } from '../bom/report.ts';
import { BundleError } from '../bom/errors.ts';
import type { BundleEvent, Notify } from '../bom/events.ts';
import { commitFile } from '../store/durable-file.ts';
import { errorJson } from './render.ts';
import { version } from './version.ts';

/** Collects what happens in one run. */
export class RunReport {
  private readonly startedAt: Date;
  private readonly command: string;
  private readonly events: { readonly at: string; readonly kind: string; readonly [key: string]: unknown }[] = [];
  private result: unknown;
  private lock: Lock | undefined;

  constructor(command: string, startedAt: Date) {
    this.command = command;
    this.startedAt = startedAt;
  }

  /** `notify` that keeps what a report tells: no counts of bytes. */
  listening(notify: Notify): Notify {
    return (event: BundleEvent) => {
      if (event.kind !== 'bytes' && event.kind !== 'plan') this.events.push({ at: new Date().toISOString(), ...event });
      notify(event);
    };
  }

  recordLock(lock: Lock): void { this.lock = lock; }
  recordResult(document: unknown): void { this.result = document; }

  async write(path: string, failure: unknown): Promise<void> {
    const endedAt = new Date();
    const { lock } = this;
    const of = (kind: BundleEvent['kind']): readonly unknown[] => this.events.filter((event) => event.kind === kind).map(({ kind: _, ...event }) => event);
    const document = {
      longshore: version, command: this.command, startedAt: this.startedAt.toISOString(), endedAt: endedAt.toISOString(), milliseconds: endedAt.getTime() - this.startedAt.getTime(),
      ok: failure === undefined, ...(failure === undefined ? {} : { error: errorOf(failure) }),
      ...(lock === undefined ? {} : { project: lock.metadata.name, sequence: lock.metadata.sequence, modules: lock.spec.order, artifacts: artifactsOf(lock), dropped: lock.spec.dropped, unresolved: lock.spec.unresolved, lockWarnings: lock.spec.warnings, influences: lock.spec.influences }),
      warnings: of('warning'), retries: of('retry'), steps: of('step'), done: of('done'),
      ...(this.result === undefined ? {} : { result: this.result }),
    };
    await commitFile(path, `${JSON.stringify(document, null, 2)}\n`);
  }
}

function errorOf(failure: unknown): unknown {
  if (failure instanceof BundleError) return (errorJson(failure) as { readonly error: unknown }).error;
  return { code: 'DEFECT', exitCode: 1, actual: failure instanceof Error ? failure.message : String(failure) };
}
