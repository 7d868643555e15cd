// What an adapter is: text of another format in, ModuleBOM values out. README of this folder: how to add one.
import type { ParsedBom } from '../documents/document.ts';

/** A file as the caller read it; `path` is relative to what the user named, with `/`. */
export interface AdapterFile {
  readonly path: string;
  readonly text: string;
}

export interface AdapterOptions {
  /** metadata.name of the result; with several results, the start of each name. Default: the adapter says. */
  readonly name?: string;
  /** Of the descriptor's project, when the files do not say. */
  readonly version?: string;
  /** Words of `select` in Project.spec.modules: package:version, operating system, architecture, component, … as the adapter says. */
  readonly select?: readonly string[];
  /** Values for variables that the format leaves to its user: an env file, jinja variables, architectures, … */
  readonly values?: Readonly<Record<string, string>>;
  /** The absolute folder that paths count from; without it, local files that a descriptor names stay unresolved. */
  readonly folder?: string;
  /** Where the files come from. */
  readonly origin?: { readonly repo?: string; readonly ref?: string; readonly commit?: string; readonly licence?: string };
}

export interface Converted {
  readonly boms: readonly ParsedBom[];
  /** What was odd but harmless: duplicate keys, a dropped comma, words of `select` that nothing has. */
  readonly warnings: readonly string[];
}

/**
 * Reads one format. Pure and total: any text gives a result or a `BundleError`, nothing is executed, nothing is dropped without an entry in
 * `unresolved` that says file and line. Images without a valid reference, URLs that are not http(s) and values with open templates are unresolved.
 */
export interface Adapter {
  readonly name: string;
  /** Goes into `origin.adapter`; counts up when the same files give another result. */
  readonly version: number;
  /** One line for `bom convert --help`. */
  readonly summary: string;
  /** Whether a file of this path is read: so that callers need not load a whole tree. */
  wants(path: string): boolean;
  /** Whether these files are of this format; looks at paths and a little of the text. */
  detect(files: readonly AdapterFile[]): boolean;
  convert(files: readonly AdapterFile[], options?: AdapterOptions): Converted;
}
