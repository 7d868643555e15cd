import { holding } from '../store/store-lock.ts';
import { Store } from '../store/store.ts';
import type { CommandContext } from './context.ts';

/** Opens the store at `root`, made where there is none, which nobody collects while `work` runs. */
export async function usingStore<T>(context: CommandContext, root: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await Store.open(root, { create: true });
  try {
    return await holding(store.root, { role: 'use', signal: context.signal, onWait: () => context.note('waiting for longshore gc') }, () => work(store));
  } finally {
    store.close();
  }
}
