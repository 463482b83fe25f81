/** Rows to a staging table by COPY, held back while the database is busy. */
import { once } from 'node:events';
import type pg from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import type { Bytes, RowWriter } from './types.ts';

const BUFFER_BYTES = 256 * 1024;
const LF = 10;

/** What must be escaped in COPY text format, and NUL, which no reader lets through. */
const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A value in COPY text format. */
export const copyText = (value: Bytes): Bytes =>
  SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (special) => ESCAPES[special] as string) : value;

/** JSON in COPY text format: control characters it has none. */
export const copyJson = (json: Bytes): Bytes => (json.includes('\\') ? json.replaceAll('\\', '\\\\') : json);

/** A value in COPY text format, an empty one being NULL. */
export const copyNullable = (value: Bytes): Bytes => (value === '' ? '\\N' : copyText(value));

export class CopyWriter implements RowWriter {
  readonly #stream: CopyStreamQuery;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #failure: Error | undefined;
  #busy = false;

  /** COPY occupies `client` until `end`. */
  constructor(client: pg.ClientBase, table: string) {
    this.#stream = client.query(copyFrom(`COPY ${table} FROM STDIN`));
    this.#stream.on('error', (error: Error) => {
      this.#failure ??= error;
    });
  }

  write(row: Bytes): void {
    if (this.#length + row.length >= this.#buffer.length) this.#flush(row.length + 1);
    this.#length += this.#buffer.write(row, this.#length, 'latin1');
    this.#buffer[this.#length] = LF;
    this.#length += 1;
  }

  #flush(room = 0): void {
    if (this.#length > 0) this.#busy = !this.#stream.write(this.#buffer.subarray(0, this.#length));
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, room));
    this.#length = 0;
  }

  /** Resolves when the database keeps up. @throws what broke the COPY. */
  async ready(): Promise<void> {
    if (this.#busy && !this.#failure) {
      await once(this.#stream, 'drain').catch(() => undefined);
      this.#busy = false;
    }
    if (this.#failure) throw this.#failure;
  }

  async end(): Promise<void> {
    this.#flush();
    if (this.#failure) throw this.#failure;
    const finished = once(this.#stream, 'finish');
    this.#stream.end();
    await finished;
  }

  /** Gives up what was written. */
  abort(): void {
    this.#stream.on('error', () => undefined);
    this.#stream.destroy();
  }
}
