import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { YumSourceOptions } from '../downloader/sources/yum.ts';
import type { ClientCertificate } from '../transport/http-agents.ts';
import { createHttpClient, type Http } from '../transport/http.ts';
import { version } from './version.ts';

interface CertificateOptions {
  readonly notify: Notify;
  readonly caFiles: readonly string[];
  readonly limitRateBytesPerS?: number;
}

/**
 * Clients that show the certificates of subscription repositories (named credentials whose value is PEM text: certificate and key in one or apart), one
 * for each certificate; `close` ends them.
 */
export function createCertificates(options: CertificateOptions, secretOf: (name: string) => string): { readonly access: Required<Pick<YumSourceOptions, 'httpWith' | 'certificateOf'>>; close(): Promise<void> } {
  const clients = new Map<string, Http>();
  const pem = (name: string | undefined, what: string): string | undefined => {
    if (name === undefined) return undefined;
    const value = secretOf(name);
    if (/-----BEGIN [A-Z ]+-----/.test(value)) return value;
    throw new BundleError('INPUT_CREDENTIAL', { subject: `credential ${name}`, expected: `a ${what} in PEM form`, actual: 'something else' });
  };
  return {
    access: {
      certificateOf: async ({ clientCert, clientKey, caFile }) => {
        const cert = pem(clientCert, 'client certificate');
        const [key, ca] = [pem(clientKey, 'private key') ?? cert, pem(caFile, 'CA certificate')];
        return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ...(ca === undefined ? {} : { ca }) };
      },
      httpWith: (certificate: ClientCertificate) => {
        const id = JSON.stringify(certificate);
        const client = clients.get(id) ?? createHttpClient({
          notify: options.notify, userAgent: `longshore/${version}`, caFiles: options.caFiles, clientCertificates: { '*': certificate },
          ...(options.limitRateBytesPerS === undefined ? {} : { limitRateBytesPerS: options.limitRateBytesPerS }),
        });
        clients.set(id, client);
        return client;
      },
    },
    close: async () => { await Promise.all([...clients.values()].map((client) => client.close())); },
  };
}
