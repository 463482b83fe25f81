/** Why an import stops, in one line for the operator. */

/** The file, or what it would do, is refused; nothing changed. */
export class ImportRefusal extends Error {
  override readonly name = 'ImportRefusal';
}

const DISK_FULL = '53100';
const LOST = new Set(['57P01', '57P02', '57P03', '08000', '08003', '08006']);
const LOST_SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** One line; never the content of a file. `committing` when the database may have kept the work all the same. */
export function describeFailure(error: unknown, { committing = false } = {}): string {
  if (error instanceof ImportRefusal) return error.message;
  const { code = '', message = String(error), path } = error as NodeJS.ErrnoException;
  const kept = committing
    ? 'lost at the last moment: the imports table tells whether this one was kept'
    : 'nothing changed';
  if (code === DISK_FULL) return `the database has no disk space left; ${kept}`;
  if (
    LOST.has(code) ||
    LOST_SOCKET.has(code) ||
    /connection (terminated|ended)|not queryable/i.test(message)
  ) {
    return `the connection to the database was lost; ${kept}`;
  }
  if (code === 'ENOENT' && path) return `there is no file ${path}`;
  if (code === 'EISDIR') return 'this is a folder, not a file';
  if (code === 'EACCES' && path) return `${path} may not be read`;
  const [line = ''] = message.split('\n');
  return `${isFromPostgres(code) ? `the database refused: ${withoutValues(line, code)}` : line}; ${kept}`;
}

/** SQLSTATE: two characters of class and three of what it is. */
const isFromPostgres = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code);

/** Of a value that does not fit its type, PostgreSQL quotes the value. */
const withoutValues = (message: string, code: string): string =>
  code.startsWith('22') ? message.replace(/"[^"]*"/g, '"…"').replace(/: .*/, '') : message;
