/**
 * The first workplaces of all, when the first national directory brings them: nothing to compare them with, so they go
 * from the staged structures to their table in one stream, folded on the way.
 */
import { to as copyTo } from 'pg-copy-streams';
import { CopyWriter, copyText } from '../directories/import/copy-writer.ts';
import { type ApplyContext, type Bytes, bytesOf, textOf } from '../directories/import/types.ts';
import { STRUCTURES_STAGE } from '../directories/national-directory/tables.ts';
import { orderedIds } from '../lib/ids.ts';
import { PLACE_KEYS, PLACE_OF_STRUCTURE } from './place-of-structure.ts';
import { searchTextOf } from './search-text.ts';

const NAMED = `(SELECT *, ${PLACE_KEYS} FROM ${STRUCTURES_STAGE} WHERE coalesce(name, trade_name) IS NOT NULL) s`;

/** As an update has them: of the structures at one site, the first. */
const PLACES = `
  (SELECT DISTINCT ON (finess) ${PLACE_OF_STRUCTURE} FROM ${NAMED} WHERE finess IS NOT NULL
    ORDER BY finess, s.name, trade_name, id)
  UNION ALL
  SELECT ${PLACE_OF_STRUCTURE} FROM ${NAMED} WHERE finess IS NULL`;

const COLUMNS =
  'id, finess, directory_key, legal_finess, name, other_name, postal_code, town, address, search_text, in_directory';

const NULL = '\\N';
const ESCAPES: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** The text of a value in COPY text format; empty for NULL. */
function textOfCopied(value: Bytes): string {
  if (value === NULL) return '';
  return textOf(
    value.includes('\\') ? value.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter) : value,
  );
}

/** @returns counts of places; a place without any name is none. */
export async function fillDirectoryPlaces({
  beside,
  connection,
}: Pick<ApplyContext, 'beside' | 'connection'>): Promise<{ added: number; changed: number; gone: number }> {
  const source = await beside.client.acquireConnection();
  const writer = new CopyWriter(connection, `workplaces (${COLUMNS})`);
  const nextId = orderedIds(new Date());
  let added = 0;
  try {
    let rest = '';
    for await (const chunk of source.query(copyTo(`COPY (${PLACES}) TO STDOUT`)) as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) writer.write(`${nextId()}\t${placeOf(line)}\tt`);
      added += lines.length;
      await writer.ready();
    }
    await writer.end();
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    await beside.client.releaseConnection(source);
  }
  return { added, changed: 0, gone: 0 };
}

/** @param line columns of PLACE_OF_STRUCTURE. */
function placeOf(line: Bytes): Bytes {
  const [finess, key, legal, nameCell, otherCell, linesCell, codeCell, townCell] = line.split('\t') as [
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
  ];
  const [name, otherName, lines, postalCode, town] = [nameCell, otherCell, linesCell, codeCell, townCell].map(
    textOfCopied,
  ) as [string, string, string, string, string];
  const address = lines
    .split('\n')
    .filter((one) => one !== '' && one !== name && one !== otherName && !/^[0-9]{5} /.test(one))
    .join(', ');
  const searchText = searchTextOf({ name, otherName, town, postalCode });
  return [
    finess,
    key,
    legal,
    nameCell,
    otherCell,
    codeCell,
    townCell,
    address === '' ? NULL : copyText(bytesOf(address)),
    copyText(bytesOf(searchText)),
  ].join('\t');
}
