/** As much of PostgreSQL's wire protocol (version 3) as is needed to know where a message begins and ends. */

export interface Frame {
  /** The message's type byte as a character; empty for the start-up message, which has none. */
  readonly type: string;
  /** The whole message, type and length included. */
  readonly bytes: Buffer;
}

/** SSLRequest: a client asks for encryption before it begins, and goes on in plain text where the answer is `N`. */
const ENCRYPTION_REQUEST = 80_877_103;

/** Whether it comes before the start-up message, to be answered by one byte. */
export function requestsEncryption({ type, bytes }: Frame): boolean {
  return type === '' && bytes.length === 8 && bytes.readUInt32BE(4) === ENCRYPTION_REQUEST;
}

/** Cuts a stream into messages. One for each direction of a connection. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #typed: boolean;

  /** @param begins `startup`: the first message has no type byte, as a client's has not */
  constructor(begins: 'startup' | 'typed') {
    this.#typed = begins === 'typed';
  }

  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const head = this.#typed ? 1 : 0;
      if (this.#rest.length < head + 4) return frames;
      const end = head + this.#rest.readUInt32BE(head);
      if (this.#rest.length < end) return frames;
      const bytes = this.#rest.subarray(0, end);
      const frame = { type: this.#typed ? String.fromCharCode(bytes[0] ?? 0) : '', bytes };
      frames.push(frame);
      this.#rest = this.#rest.subarray(end);
      this.#typed = !requestsEncryption(frame);
    }
  }
}

/** The parameters of a start-up message, such as `application_name`. */
export function startupParameters({ bytes }: Frame): Map<string, string> {
  const words = bytes.subarray(8).toString('utf8').split('\0');
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < words.length && words[index] !== ''; index += 2) {
    parameters.set(words[index] ?? '', words[index + 1] ?? '');
  }
  return parameters;
}

/**
 * The text of a Query or Parse message, or of the statement that a Bind message names; otherwise undefined.
 *
 * @param prepared texts by name, to which a Parse message adds its own
 */
export function sqlOf({ type, bytes }: Frame, prepared: Map<string, string>): string | undefined {
  if (type === 'Q') return bytes.subarray(5, -1).toString('utf8');
  if (type !== 'P' && type !== 'B') return undefined;
  // Two strings: the statement's name and text, or the portal's name and the statement's.
  const second = bytes.indexOf(0, 5) + 1;
  const texts = [bytes.subarray(5, second - 1), bytes.subarray(second, bytes.indexOf(0, second))] as const;
  if (type === 'B') return prepared.get(texts[1].toString('utf8'));
  prepared.set(texts[0].toString('utf8'), texts[1].toString('utf8'));
  return texts[1].toString('utf8');
}

/** Whether a client's message ends what it asks: a simple query, or the Sync after an extended one. */
export function completesStatement({ type }: Frame): boolean {
  return type === 'Q' || type === 'S';
}

/** The backend's process id in a BackendKeyData message, otherwise undefined. */
export function backendPidOf({ type, bytes }: Frame): number | undefined {
  return type === 'K' ? bytes.readUInt32BE(5) : undefined;
}
