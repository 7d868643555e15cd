import type { ErrorCode } from './errors.ts';

export type Phase = 'lock' | 'download' | 'export' | 'verify' | 'import' | 'publish';

/** What verbs tell the outside while they work. Counts and bytes only; drawing them is `bin/render.ts`. */
export type BundleEvent =
  /** The work ahead: items and bytes in all, and how much of it is there already. May come again when the plan grows. */
  | { readonly kind: 'plan'; readonly phase: Phase; readonly items: number; readonly bytes: number; readonly presentItems: number; readonly presentBytes: number }
  /** `bytes` more were moved (or checked) since the last event of this kind. */
  | { readonly kind: 'bytes'; readonly phase: Phase; readonly bytes: number }
  | { readonly kind: 'done'; readonly phase: Phase; readonly item: string; readonly bytes: number }
  /** One line for a person about a step that has no bytes to count. */
  | { readonly kind: 'step'; readonly phase: Phase; readonly message: string }
  | { readonly kind: 'retry'; readonly subject: string; readonly attempt: number; readonly waitMs: number; readonly reason: string }
  | { readonly kind: 'warning'; readonly subject: string; readonly message: string; readonly code?: ErrorCode };

export type Notify = (event: BundleEvent) => void;

export const silent: Notify = () => undefined;
