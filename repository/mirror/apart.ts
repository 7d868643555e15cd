import { Worker } from 'node:worker_threads';

/** What the script of a thread, named by its address as `.ts`, answers with for `data`. Compiled, the script is `.js`. */
export async function runApart<Result>(script: URL, data: unknown): Promise<Result> {
  const compiled = import.meta.url.endsWith('.ts') ? script : new URL(script.href.replace(/\.ts$/, '.js'));
  const worker = new Worker(compiled, { workerData: data });
  worker.unref();
  try {
    return await new Promise<Result>((done, fail) => {
      worker.once('message', (result: Result) => { done(result); });
      worker.once('error', fail);
      worker.once('exit', (code) => { fail(new Error(`the rendering thread ended with code ${code}`)); });
    });
  } finally {
    await worker.terminate();
  }
}
