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
  /** Columns whose fields are read when the stager asks for them, of the shared ones. */
  readonly later?: readonly string[];
  /** Part of the digest of each group: another one has every line read again. */
  readonly layout: string;
}

/** Takes the rows of one staging table, each a line of COPY text format without its line feed. */
export interface RowWriter {
  write(row: Bytes): void;
}

/** The line that is being taken. */
export interface LineView {
  /** Notes that the shared columns of this line were read; tells whether those of another line were the same. */
  isShared(): boolean;
  /** Reads the fields that come later. */
  readLater(): void;
}

/** Takes the lines of the file, one by one, and writes to the staging tables. */
export interface Stager {
  /**
   * @param fields reused for the next line.
   * @returns why the line is rejected, or undefined when it was taken.
   */
  take(fields: readonly Bytes[], line: LineView): string | undefined;
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

/** Memory that several threads have in common: whatever one of them writes there, the others read. */
export type StagerMemory = Readonly<Record<string, Int32Array<SharedArrayBuffer>>>;

export interface ApplyContext {
  /** Whether the register held nothing, so that what `direct` names was staged as it will be kept. */
  readonly isFirst: boolean;
  /** Of the transaction. */
  readonly connection: pg.ClientBase;
  /** Connections beside the transaction, which see what was staged. */
  readonly beside: Db;
  /** Refuses the import when too large a share of what is `present` would be `gone`. */
  guard(present: number, gone: number): void;
}

/** Copies into staging tables what `fill` writes; each step of `fill` lets the database keep up. */
export type CopyTo = (
  tables: readonly string[],
  fill: (writers: readonly RowWriter[]) => AsyncIterable<void>,
) => Promise<void>;

/** SQL of the columns, or the table that has the same ones. */
export type StagingTable = string | { readonly like: string };

export interface ImportDefinition {
  readonly kind: ImportKind;
  readonly format: DelimitedFormat;
  /** Which of the .txt and .csv files of an archive that holds several. */
  readonly archiveEntry: RegExp;
  /** The tables that the stager writes to, by their names. */
  readonly staging: Readonly<Record<string, StagingTable>>;
  /** Further tables, which `prepare` fills. */
  readonly prepared?: Readonly<Record<string, StagingTable>>;
  /** Tables that `prepare` makes for itself, and drops. */
  readonly scratch?: readonly string[];
  /** Those of `staging` that a first import makes to stay. */
  readonly direct?: readonly string[];
  /** Whether the register holds nothing. */
  isFirst?(connection: pg.ClientBase): Promise<boolean>;
  /** What earlier imports read, and what a stager goes by. */
  recall?(connection: pg.ClientBase): Promise<KnownLines>;
  createMemory?(known: KnownLines | undefined): StagerMemory;
  /** @param memory what `createMemory` gave. */
  createStager(writers: Readonly<Record<string, RowWriter>>, memory: StagerMemory): Stager;
  /** Address of a module that exports the same `createStager`: a large file is then read by several threads. */
  readonly stagerModule?: string;
  /** Makes staged rows fit to be applied, outside of the transaction that changes the register. */
  prepare?(db: Db, copyTo: CopyTo, known: KnownLines | undefined): Promise<void>;
  /**
   * Work of a first import on staged tables that goes on beside `apply`, on other connections: the transaction, which waits for its end,
   * must not have touched these tables.
   */
  goOn?(db: Db): Promise<void>;
  /** Brings the register to what was staged, inside the one transaction. */
  apply(db: Db, context: ApplyContext): Promise<ImportCounts>;
  /** The last step of the transaction, once `goOn` is over; for a first import only. */
  finish?(db: Db): Promise<void>;
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
  /** That read the file, where the register can be read so; by default, as the file and the machine are large. */
  readonly threads?: number;
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
