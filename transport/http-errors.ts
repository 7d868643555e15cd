import errors from 'undici/lib/core/errors.js';
import { BundleError, checkNotAborted, type ErrorCode, redactUrl } from '../bom/errors.ts';

const connectCodes = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_PRX_CONNECT', 'UND_ERR_PRX_TLS',
]);
const stallCodes = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const tlsCode = /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|EPROTO)/;

/** The innermost system or undici code in a chain of causes. */
export function systemCode(error: unknown): string {
  let code = '';
  let at = error;
  while (at instanceof Error) {
    if ('code' in at && typeof at.code === 'string') code = at.code;
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined);
  }
  return code;
}

/** What went wrong on the wire, as a coded error. A stop that was asked for stays one. */
export function transferError(error: unknown, url: string, signal: AbortSignal): BundleError {
  const subject = redactUrl(url);
  if (error instanceof BundleError) return error;
  try {
    checkNotAborted(signal, subject);
  } catch (stop) {
    return stop as BundleError;
  }
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : String(error);
  const fail = (name: ErrorCode, expected: string, actual: string): BundleError =>
    new BundleError(name, { subject, expected, actual: code === '' || actual.includes(code) ? actual : `${actual} (${code})`, details: { cause: code } }, { cause: error });
  if (connectCodes.has(code)) return fail('TRANSFER_CONNECT', 'a connection', connectMessage(code));
  if (stallCodes.has(code)) return fail('TRANSFER_STALL', 'bytes to keep coming', 'silence');
  if (tlsCode.test(code)) return fail('TRANSFER_TLS', 'a certificate that can be trusted', tlsMessage(code, message));
  if (error instanceof errors.HTTPParserError || code === 'UND_ERR_HEADERS_OVERFLOW') return fail('TRANSFER_PROTOCOL', 'HTTP', message);
  if (code === 'UND_ERR_INVALID_ARG' && message.includes('407')) return fail('TRANSFER_AUTH', 'a proxy that lets us through', 'status 407 of the proxy');
  return fail('TRANSFER_CUT', 'a whole answer', message === '' ? 'a broken connection' : message);
}

function connectMessage(code: string): string {
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `a name that cannot be found (${code})`;
  return `no connection (${code})`;
}

function tlsMessage(code: string, message: string): string {
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ? `plain http on that port (${code})` : message;
}

/** The error for an answer whose status says no. `body` is quoted, shortened, when it is text. */
export function statusError(status: number, url: string, more: { readonly body?: Uint8Array; readonly expected?: string } = {}): BundleError {
  const quoted = more.body === undefined ? '' : quote(more.body);
  return new BundleError(status === 401 || status === 407 ? 'TRANSFER_AUTH' : 'TRANSFER_STATUS', {
    subject: redactUrl(url),
    expected: more.expected ?? 'status 200',
    actual: `status ${status}${quoted === '' ? '' : `: ${quoted}`}`,
    details: { status },
  });
}

function quote(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 300)).replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return text.startsWith('<') ? '' : text.slice(0, 200);
}

/** The HTTP status an error carries, when it is about one. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof BundleError ? error.facts.details?.['status'] : undefined;
  return typeof status === 'number' ? status : undefined;
}
