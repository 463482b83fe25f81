/** The bytes of a file, plain or from an archive, with the digest of the file as it is stored. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise } from 'yauzl';
import { ImportRefusal } from './failures.ts';

const CHUNK_BYTES = 1 << 20;
const ZIP_SIGNATURE = 'PK\x03\x04';

export interface Source {
  readonly name: string;
  /** Size of what `chunks` gives, when known. */
  readonly totalBytes: number | undefined;
  readonly chunks: AsyncIterable<Buffer>;
  /** Hex; complete once `chunks` is at its end. */
  sha256(): string;
  close(): void;
}

/** @param archiveEntry which file to read in an archive of several. @throws {ImportRefusal} for an unusable archive. */
export async function openSource(path: string, archiveEntry: RegExp): Promise<Source> {
  const file = await stat(path);
  if (file.isFile() && (await startsLikeZip(path))) return openArchive(path, archiveEntry);
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  let digest: string | undefined;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
  }
  return {
    name: basename(path),
    totalBytes: file.isFile() ? file.size : undefined,
    chunks: chunks(),
    sha256() {
      digest ??= hash.digest('hex');
      return digest;
    },
    close: () => stream.destroy(),
  };
}

/** Hex SHA-256 of a file, read as a stream. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash);
  return hash.digest('hex');
}

async function startsLikeZip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead) === ZIP_SIGNATURE;
  } finally {
    await file.close();
  }
}

async function openArchive(path: string, archiveEntry: RegExp): Promise<Source> {
  const refuse = (error: unknown): never => {
    if (error instanceof ImportRefusal) throw error;
    const reason = (error as Error).message;
    throw new ImportRefusal(`the archive is cut short or damaged (${reason}); nothing changed`);
  };
  const sha256 = await sha256OfFile(path);
  const zip = await openPromise(path, { autoClose: false }).catch(refuse);
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    const entry = chooseEntry(entries, archiveEntry);
    const stream: Readable = await zip.openReadStreamPromise(entry);
    return {
      name: basename(path),
      totalBytes: entry.uncompressedSize,
      chunks: checked(stream, entry, refuse),
      sha256: () => sha256,
      close() {
        stream.destroy();
        zip.close();
      },
    };
  } catch (error) {
    zip.close();
    return refuse(error);
  }
}

function chooseEntry(entries: readonly Entry[], wanted: RegExp): Entry {
  const texts = entries.filter(({ fileName }) => /\.(txt|csv)$/i.test(fileName));
  const chosen = texts.length > 1 ? texts.filter(({ fileName }) => wanted.test(fileName)) : texts;
  const [entry, another] = chosen;
  if (entry && !another) return entry;
  // Names that somebody else chose, on their way to a terminal and a log.
  const names = texts.map(({ fileName }) => fileName.replace(/\p{C}/gu, '?')).join(', ') || 'none';
  throw new ImportRefusal(
    `the archive must hold one .txt or .csv file of this register (${names}); nothing changed`,
  );
}

async function* checked(
  stream: Readable,
  entry: Entry,
  refuse: (error: unknown) => never,
): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    refuse(error);
  }
  if (sum !== entry.crc32) refuse(new Error('its checksum does not fit'));
}
