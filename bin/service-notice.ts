// Tells systemd how the service is: sd_notify(3). The messages are datagrams on a Unix socket, which Node does not have: systemd's own systemd-notify sends them
// (the unit says NotifyAccess=all for that).
import { execFile } from 'node:child_process';

export interface ServiceNotice {
  ready(status: string): Promise<void>;
  reloading(): Promise<void>;
  stopping(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Who is told, as the environment says it; nobody when no service manager waits. Until `signal` is aborted, the watchdog is told every third of its time that the
 * process answers. What cannot be told is handed to `warn`, once.
 */
export function serviceNotice(environment: Environment, options: { readonly pid: number; readonly signal: AbortSignal; readonly warn: (text: string) => void }): ServiceNotice {
  const { pid, signal, warn } = options;
  if (environment['NOTIFY_SOCKET'] === undefined) return { ready: none, reloading: none, stopping: none };
  let warned = false;
  const tell = (...states: readonly string[]): Promise<void> => new Promise((done) => {
    execFile('systemd-notify', [...states], { env: { ...environment } }, (cause) => {
      if (cause !== null && !warned) warn(`warning: systemd could not be told ${states[0] ?? ''}: ${cause.message}`);
      warned ||= cause !== null;
      done();
    });
  });
  const alive = watchdogMs(environment, pid);
  if (alive !== undefined) {
    // A service that could not start must end all the same.
    const timer = setInterval(() => { void tell('WATCHDOG=1'); }, alive / 3).unref();
    signal.addEventListener('abort', () => { clearInterval(timer); }, { once: true });
  }
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    reloading: () => tell('RELOADING=1'),
    stopping: () => tell('STOPPING=1'),
  };
}

/** WATCHDOG_USEC of this process, in milliseconds: sd_watchdog_enabled(3). */
function watchdogMs({ WATCHDOG_USEC: time = '', WATCHDOG_PID: forPid }: Environment, pid: number): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(time) || (forPid !== undefined && Number(forPid) !== pid)) return undefined;
  return Number(time) / 1000;
}

async function none(): Promise<void> {
  // Nobody waits.
}
