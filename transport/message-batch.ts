/** Hands on what comes in one turn of the event loop as one message: each message wakes the thread it goes to, which for small contents is most of what they take. */
export class MessageBatch<T> {
  private readonly send: (messages: readonly T[]) => void;
  private waiting: T[] = [];

  constructor(send: (messages: readonly T[]) => void) {
    this.send = send;
  }

  add(message: T): void {
    this.waiting.push(message);
    if (this.waiting.length === 1) setImmediate(() => { this.send(this.waiting.splice(0)); });
  }
}
