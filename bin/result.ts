// The one JSON document of a command with --json.

interface Result {
  /** A new command, which has said nothing yet. */
  begin(): void;
  /** Keeps it until the command ends. */
  hold(document: unknown): void;
  /** Its text, for a command that goes on: nothing more is said on stdout. */
  now(document: unknown): string;
  /** The text of what is held, once; `undefined` when there is nothing (more) to say. */
  end(): string | undefined;
  /** The text that tells a failure beside what is held; `undefined` when the document was printed already. */
  failed(error: Readonly<Record<string, unknown>>): string | undefined;
}

/** Of this process, which runs one command. */
export const result = createResult();

export function createResult(): Result {
  let held: unknown;
  let isSaid = false;
  const text = (document: unknown): string => JSON.stringify(document, null, 2);
  return {
    begin: () => { held = undefined; isSaid = false; },
    hold: (document) => { held = document; },
    now: (document) => { isSaid = true; return text(document); },
    end: () => {
      if (isSaid || held === undefined) return undefined;
      isSaid = true;
      return text(held);
    },
    failed: (error) => {
      if (isSaid) return undefined;
      isSaid = true;
      return text(held === undefined ? error : { ...(isObject(held) ? held : { result: held }), ...error });
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
