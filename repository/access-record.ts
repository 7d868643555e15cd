/** One answered request. `path` is without the query. */
export interface AccessRecord {
  readonly time: string;
  readonly address: string;
  readonly user: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the body, as sent. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** What went wrong on our side, or that the client left. */
  readonly failure?: string;
}
