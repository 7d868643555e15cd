import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function rootAbove(folder: string): string {
  const above = dirname(folder);
  return existsSync(join(folder, 'package.json')) || above === folder ? folder : rootAbove(above);
}

/** The folder with package.json: above bin/ in a checkout and in what an archive carries, above dist/<id>/ for what was built. */
export const packageRoot = rootAbove(import.meta.dirname);
