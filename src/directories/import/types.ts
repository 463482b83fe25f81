/** What an import is made of, told by each register and run by `run.ts`. */
import type pg from 'pg';
import type { Db } from '../../lib/database.ts';
import type { KnownLines, LinesDigest } from './known-lines.ts';

/** Stands in `directory_imports.kind`; one import of a kind runs at a time. */
export type ImportKind = 'rpps' | 'ordre' | 'finess';

/**
 * A field of a file: a string in which each character is one byte of the field's UTF-8. Copying such strings costs
 * neither decoding nor encoding; `textOf` reads one.
 */
export type Bytes = string;

/** `iso-8859-1` is read as windows-1252, which gives its unused bytes the letters that such files hold (WHATWG Encoding). */
export type Encoding = 'utf-8' | 'iso-8859-1';

export interface DelimitedFormat {
  /** One ASCII character; nothing is quoted. */
  readonly separator: string;
  /** `either`: told by the first bytes that are not ASCII. */
  readonly encoding: Encoding | 'either';
  /** Whether each line ends with a separator, so that a line cut short shows. */
  readonly trailingSeparator: boolean;
  /** Names in the header, in the order that the fields of a row take; the file may have them in any other order. */
  readonly columns: readonly string[];
  /** Columns that some issues lack: their fields are then empty. */
  readonly optional?: readonly string[];
  readonly groups?: LineGroups;
}

/** Lines that follow one another and have the same `key` form a group, which may be known from an earlier import. */
export interface LineGroups {
  /** One of the columns. */
  readonly key: string;
  /** The columns that the stager looks at in each line of a known group too; none is optional. */
  readonly shared: readonly string[];
  /** Part of the digest of each group: another one has every line read again. */
  readonly layout: string;
}

/** Takes the rows of one staging table, each a line of COPY text format without its line feed. */
export interface RowWriter {
  write(row: Bytes): void;
}

/** Takes the lines of the file, one by one, and writes to the staging tables. */
export interface Stager {
  /**
   * @param fields reused for the next line.
   * @param isShared notes that the shared columns of this line were read; tells whether those of another line were the same.
   * @returns why the line is rejected, or undefined when it was taken.
   */
  take(fields: readonly Bytes[], isShared: () => boolean): string | undefined;
  /**
   * After the last line of a group.
   * @param digest of its lines; undefined when one was rejected.
   */
  endGroup?(digest: LinesDigest | undefined): void;
  /** Whether nothing need be taken from the lines of a group. */
  isKnown?(digest: LinesDigest, key: Bytes): boolean;
  /** Takes the shared columns of a line of a known group; the others of `fields` mean nothing. */
  glance?(fields: readonly Bytes[]): void;
  /** After the last line. */
  end(): void;
  /** What else the operator should know; asked after `end`. */
  notes?(): ImportNotes;
}

/** Counts and facts of one register, by name; never a person's data. */
export type ImportNotes = Readonly<Record<string, number | string>>;

export interface ImportCounts {
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
  readonly unchanged: number;
  readonly notes?: ImportNotes;
}

export interface ApplyContext {
  /** Refuses the import when too large a share of what is `present` would be `gone`. */
  guard(present: number, gone: number): void;
}

/** Copies into staging tables what `fill` writes; each step of `fill` lets the database keep up. */
export type CopyTo = (
  tables: readonly string[],
  fill: (writers: readonly RowWriter[]) => AsyncIterable<void>,
) => Promise<void>;

export interface ImportDefinition {
  readonly kind: ImportKind;
  readonly format: DelimitedFormat;
  /** Which of the .txt and .csv files of an archive that holds several. */
  readonly archiveEntry: RegExp;
  /** Columns of each staging table, by its name. */
  readonly staging: Readonly<Record<string, string>>;
  /** Columns of each further table that `prepare` fills, by its name. */
  readonly prepared?: Readonly<Record<string, string>>;
  /** What earlier imports read. */
  recall?(connection: pg.ClientBase): Promise<KnownLines>;
  /** @param known what `recall` gave. */
  createStager(writers: Readonly<Record<string, RowWriter>>, known: KnownLines | undefined): Stager;
  /** Makes staged rows fit to be applied, outside of the transaction that changes the register. */
  prepare?(db: Db, copyTo: CopyTo, known: KnownLines | undefined): Promise<void>;
  /** Brings the register to what was staged, inside the one transaction. */
  apply(db: Db, context: ApplyContext): Promise<ImportCounts>;
}

export interface Rejection {
  /** 1 is the header. */
  readonly line: number;
  readonly reason: string;
}

export interface ImportReport extends ImportCounts {
  readonly id: string;
  readonly kind: ImportKind;
  readonly fileName: string;
  /** Hex digest of the file as it is stored. */
  readonly sha256: string;
  readonly rowsRead: number;
  readonly rejected: number;
  /** The first of them. */
  readonly rejections: readonly Rejection[];
  /** Undefined when nothing but ASCII was read. */
  readonly encoding: Encoding | undefined;
  readonly notes: ImportNotes;
  readonly durationMs: number;
}

/** A limit on rejected lines: a count, or a share of the lines read. */
export type RejectionLimit = { readonly count: number } | { readonly percent: number };

export interface ImportOptions {
  readonly maxRejected?: RejectionLimit;
  /** Percent of the people who may be gone. */
  readonly maxRemovedPercent?: number;
  /** Applies whatever is gone. */
  readonly force?: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  readonly phase: 'reading' | 'applying';
  readonly bytesRead: number;
  /** Undefined when the source tells no size. */
  readonly totalBytes: number | undefined;
}

/** The text of a field. */
export const textOf = (bytes: Bytes): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** The field that holds `text`. */
export const bytesOf = (text: string): Bytes => Buffer.from(text, 'utf8').toString('latin1');
