/** What is asked of the network: one POST to the collector, and its answer. Who carries it out is another matter. */

export type Sending = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};
export type Answered = {
  readonly status: number;
  /** Names in small letters; only those that are asked for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};
/** Rejects with an `Unreachable`. */
export type Post = (sending: Sending, signal: AbortSignal) => Promise<Answered>;

/** The collector could not be asked; `reason` is a code or a few words, never text of the other side. */
export class Unreachable extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`The collector could not be reached (${reason}).`);
    this.name = 'Unreachable';
    this.reason = reason;
  }
}
