import type { FileSink } from '../bom/ports.ts';

/** Memory that nobody reads or writes: only its length is looked at. */
const nothing = new Uint8Array(4 * 1024 * 1024);

/** From here on the page cache costs more than it gives. */
const worthUnbufferedBytes = 1024 * 1024;

/** The file behind `fd`, for a transport that writes there itself. */
export class ReceivingSink implements FileSink {
  readonly fd: number;
  readonly sizeBytes: number;
  /** sha256 of the whole content, where the transport told it. */
  hex: string | undefined;
  tail: { readonly from: number; readonly hex?: string } | undefined;
  /** What its owner still writes. */
  writing: Promise<unknown> = Promise.resolve();
  private settled: () => Promise<void> = async () => undefined;

  private readonly unbuffered: () => number | undefined;

  /** `unbuffered` opens the file for writes past the page cache, where it can. */
  constructor(fd: number, sizeBytes: number, unbuffered: () => number | undefined = () => undefined) {
    this.fd = fd;
    this.sizeBytes = sizeBytes;
    this.unbuffered = unbuffered;
  }

  get unbufferedFd(): number | undefined {
    return this.sizeBytes < worthUnbufferedBytes ? undefined : this.unbuffered();
  }

  async ready(): Promise<void> {
    await this.writing;
  }

  written(length: number): Uint8Array {
    if (length > nothing.length) throw new Error(`a chunk of ${length} bytes`);
    return nothing.subarray(0, length);
  }

  /** Whether a chunk stands for bytes that were written. */
  owns(chunk: Uint8Array): boolean {
    return chunk.buffer === nothing.buffer;
  }

  digested(hex: string, tailHex?: string): void {
    this.hex = hex;
    if (this.tail !== undefined && tailHex !== undefined) this.tail = { from: this.tail.from, hex: tailHex };
  }

  wantTail(from: number): void {
    this.tail = { from };
  }

  /** What was told is not of what lies in the file now. */
  forget(): void {
    this.hex = undefined;
    if (this.tail !== undefined) this.tail = { from: this.tail.from };
  }

  holdFor(settled: () => Promise<void>): void {
    this.settled = settled;
  }

  /** Returns when nobody writes to the file any more. */
  async release(): Promise<void> {
    await this.settled();
  }
}
