// The length of a content by a request for its first byte: RFC 9110, sections 14.2 (Range), 14.4 (Content-Range), 8.6 (Content-Length).
import type { Notify } from '../bom/events.ts';
import { statusError } from './http-errors.ts';
import { isPlain } from './http-body.ts';
import type { Send, WebResponse } from './http-send.ts';
import { withRetryAfter } from './resume.ts';
import { Attempts, type DownHosts, passingStatuses, type RetryPolicy } from './retry.ts';

export interface SizeOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly policy: RetryPolicy;
  readonly notify: Notify;
  readonly down?: DownHosts;
}

/** The contract is `HttpClient.size`. */
export async function contentSize(send: Send, url: string, options: SizeOptions): Promise<number | undefined> {
  const attempts = new Attempts(url, options);
  for (;;) {
    try {
      const response = await send({ method: 'GET', url, signal: options.signal, headers: { ...options.headers, range: 'bytes=0-0' } });
      response.discard();
      if (response.status >= 500 || passingStatuses.has(response.status)) throw withRetryAfter(statusError(response.status, url), response);
      return isPlain(response, url) ? saidBy(response) : undefined;
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** An answer whose own numbers contradict each other says nothing. */
function saidBy({ status, headers, length }: WebResponse): number | undefined {
  if (status === 200) return length;
  const [, end, total] = /^bytes 0-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
  if (status !== 206 || end === undefined || total === undefined) return undefined;
  const partBytes = Number(end) + 1;
  return (length === undefined || length === partBytes) && partBytes <= Number(total) ? Number(total) : undefined;
}
