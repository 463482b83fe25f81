/** Files of the national directory, and imports in a process of their own. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryLines } from '../../bench/national-directory.ts';
import {
  NATIONAL_DIRECTORY_COLUMNS,
  type NationalDirectoryColumn,
} from '../../src/directories/national-directory/columns.ts';
import type { Db } from '../../src/lib/database.ts';
import { type Running, run } from './process.ts';

export type Line = Readonly<Partial<Record<NationalDirectoryColumn, string>>>;

export const HEADER = `${NATIONAL_DIRECTORY_COLUMNS.join('|')}|\n`;

/** A doctor with this number and these names, and what else is given. */
export const doctor = (rpps: string, family: string, given: string, more: Line = {}): Line => ({
  "Type d'identifiant PP": '8',
  'Identifiant PP': rpps,
  'Identification nationale PP': `8${rpps}`,
  "Nom d'exercice": family,
  "Prénom d'exercice": given,
  'Code profession': '10',
  'Libellé profession': 'Médecin',
  'Code catégorie professionnelle': 'C',
  ...more,
});

export const written = (
  lines: readonly Line[],
  columns: readonly NationalDirectoryColumn[] = NATIONAL_DIRECTORY_COLUMNS,
): string =>
  `${[columns, ...lines.map((line) => columns.map((name) => line[name] ?? ''))].map((row) => row.join('|')).join('|\n')}|\n`;

/** Invented people, about half as many as `rows`; the same for the same options. */
export const inventedLines = (rows: number, changedPercent = 0): string[] => [
  ...directoryLines({ rows, changedPercent }),
];

export interface Folder {
  path(name: string): string;
  /** @returns the path of the file. */
  write(name: string, content: string | Buffer): Promise<string>;
  remove(): Promise<void>;
}

export async function createFolder(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), 'caducee-directory-'));
  const path = (name: string) => join(folder, name);
  return {
    path,
    async write(name, content) {
      await writeFile(path(name), content);
      return path(name);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export const startImport = (databaseUrl: string, file: string, ...options: string[]): Running =>
  run(['src/cli.ts', 'import', 'rpps', file, ...options].join(' '), {
    DATABASE_URL: databaseUrl,
    NODE_ENV: 'test',
  });

/** @returns exit status, null after a signal, and everything printed. */
export async function ended({ child, output }: Running): Promise<{ status: number | null; output: string }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return { status: child.exitCode, output: output() };
}

export const importFile = (...args: Parameters<typeof startImport>) => ended(startImport(...args));

/** One text for all that the directory holds, its indexes included. */
export async function contentOf(db: Db): Promise<string> {
  const parts: string[] = [];
  for (const table of [
    'directory_people',
    'directory_structures',
    'directory_search_keys',
    'directory_words',
  ]) {
    const { rows } = await db.raw(
      `SELECT count(*) AS rows, md5(string_agg(t::text, '|' ORDER BY t::text)) AS content,
              (SELECT string_agg(indexdef, ';' ORDER BY indexname) FROM pg_indexes WHERE tablename = ?) AS indexes
         FROM ${table} t`,
      [table],
    );
    parts.push(JSON.stringify({ table, ...rows[0] }));
  }
  return parts.join('\n');
}
