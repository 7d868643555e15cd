import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { makeSigningKey } from '../../formats/pgp/keys.ts';
import { commitFile } from '../../store/durable-file.ts';
import { defineCommand } from '../context.ts';
import { exists } from '../files.ts';

export function registerKeygen(program: Command): void {
  defineCommand<{ readonly name: string; readonly email?: string; readonly output: string }>(program, 'keygen', {
    description: 'make a key that signs archives: NAME.key (keep it) and NAME.asc (give it to the other side)',
    flags: [
      new Option('--name <text>', 'whose key it is').default('longshore'),
      new Option('--email <address>', 'of whoever answers for it'),
      new Option('-o, --output <path>', 'where, without an ending').default('longshore'),
    ],
    action: async (context, flags) => {
      const secret = `${flags.output}.key`;
      const open = `${flags.output}.asc`;
      for (const path of [secret, open]) {
        if (await exists(path)) throw new BundleError('INPUT_FLAG', { subject: path, expected: 'a name that is free', actual: 'a file of that name', next: 'Name another place with -o; keys are never overwritten.' });
      }
      const key = await makeSigningKey({ name: flags.name, date: context.now(), ...(flags.email === undefined ? {} : { email: flags.email }) });
      await commitFile(open, key.publicKey);
      await commitFile(secret, key.privateKey, 0o600);
      context.print({ secret, public: open, fingerprint: key.fingerprint }, `${open}: give it to whoever verifies and imports\n${secret}: keep it; whoever has it can sign\nfingerprint ${key.fingerprint}`);
    },
  });
}
