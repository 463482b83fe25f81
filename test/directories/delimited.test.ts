import { expect } from 'chai';
import { readDelimited, readHere } from '../../src/directories/import/delimited.ts';
import { describeFailure, ImportRefusal } from '../../src/directories/import/failures.ts';
import { type DelimitedFormat, type Stager, textOf } from '../../src/directories/import/types.ts';

const PIPED: DelimitedFormat = {
  separator: '|',
  encoding: 'utf-8',
  trailingSeparator: true,
  columns: ['nom', 'prénom', 'ville'],
  optional: ['ville'],
};
const LATIN1: DelimitedFormat = {
  ...PIPED,
  separator: ';',
  encoding: 'iso-8859-1',
  trailingSeparator: false,
};

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, format: DelimitedFormat, size = 1 << 20, limit = { count: 10 }) {
  const rows: string[][] = [];
  const stager: Stager = {
    take: (fields) => {
      rows.push(fields.map(textOf));
      return fields[0] === 'bad' ? 'a bad line' : undefined;
    },
    end() {},
  };
  const tally = await readDelimited(inChunks(bytes, size), format, limit, (header) =>
    readHere(format, header, stager, undefined, async () => undefined),
  );
  return { rows, tally };
}

const refusal = (bytes: Buffer, format: DelimitedFormat): Promise<string> =>
  read(bytes, format).then(
    () => 'taken',
    (error: Error) => (error instanceof ImportRefusal ? error.message : `${error.stack}`),
  );

describe('reading of a delimited file', () => {
  it('does not depend on where chunks end', async () => {
    const text = Buffer.from('prénom|autre|nom|\r\nZOÉ|x|CŒUR|\r\n\nALIX||bad|\nMAËL|y|ÉTANG|');
    for (const size of [1, 2, 3, 5, 8, 13, 1_000]) {
      const { rows, tally } = await read(text, PIPED, size);
      expect(rows, `${size}`).to.deep.equal([
        ['CŒUR', 'ZOÉ', ''],
        ['bad', 'ALIX', ''],
        ['ÉTANG', 'MAËL', ''],
      ]);
      expect(tally).to.deep.equal({
        encoding: 'utf-8',
        rowsRead: 3,
        rejected: 1,
        rejections: [{ line: 4, reason: 'a bad line' }],
      });
    }
  });

  it('reads ISO-8859-1', async () => {
    const { rows } = await read(Buffer.from('nom;prénom\nÉTANG;ZOÉ\n', 'latin1'), LATIN1, 3);
    expect(rows).to.deep.equal([['ÉTANG', 'ZOÉ', '']]);
  });

  it('keeps the first hundred rejections and counts all', async () => {
    const { tally } = await read(Buffer.from(`nom|prénom|\n${'bad|x|\n'.repeat(250)}`), PIPED, 64, {
      count: 250,
    });
    expect(tally.rejected).to.equal(250);
    expect(tally.rejections).to.have.length(100);
  });

  const REFUSED: readonly [string, string | Buffer, DelimitedFormat, RegExp][] = [
    ['a cut in a field', 'nom|prénom|\nA|B|\nC|', PIPED, /line 3, its last, is not whole/],
    [
      'a cut in a character',
      Buffer.from('nom|prénom|\nA|B|\nC|É').subarray(0, -1),
      PIPED,
      /line 3, its last/,
    ],
    [
      'a last line without its end',
      Buffer.from('nom;prénom\nA;B\nC;D', 'latin1'),
      LATIN1,
      /line 3, its last, is not whole/,
    ],
    ['a short last line', 'nom|prénom|\nA|B|\nC|\n', PIPED, /line 3, its last, is not whole/],
    ['a column named twice', 'nom|prénom|nom|\n', PIPED, /names a column twice/],
    ['a missing column', 'nom|ville|\n', PIPED, /missing column: « prénom »/],
    ['a line without end', 'x'.repeat(3 << 20), PIPED, /line 1 is longer than any line/],
    [
      'another encoding',
      Buffer.from('nom|prénom|\nA|B|\nÉ|X|\nC|D|\n', 'latin1'),
      PIPED,
      /line 1 is not UTF-8/,
    ],
  ];
  for (const [what, content, format, reason] of REFUSED) {
    it(`refuses ${what}`, async () => {
      expect(await refusal(Buffer.from(content as string), format)).to.match(reason);
    });
  }

  it('rejects lines with too many or too few fields, or a NUL', async () => {
    const { tally } = await read(Buffer.from('nom|prénom|\nA|\nA|B|C|\nA|\0|\nA|B|\n'), PIPED);
    expect(tally.rejections).to.deep.equal([
      { line: 2, reason: '1 fields instead of 2' },
      { line: 3, reason: '3 fields instead of 2' },
      { line: 4, reason: 'a NUL character' },
    ]);
  });
});

describe('what stops an import, in one line', () => {
  for (const [error, line] of [
    [{ code: '53100', message: 'could not extend file' }, /no disk space left; nothing changed$/],
    [
      { code: '57P01', message: 'terminating connection' },
      /connection to the database was lost; nothing changed$/,
    ],
    [
      new Error('Connection terminated unexpectedly'),
      /connection to the database was lost; nothing changed$/,
    ],
    [{ code: 'ENOENT', path: 'x.txt', message: 'ENOENT' }, /^there is no file x\.txt$/],
    [
      { code: '54000', message: 'index row size 2712 exceeds btree version 4 maximum 2704 for index "x"' },
      /^the database refused: index row size 2712 exceeds .* for index "x"; nothing changed$/,
    ],
    [
      { code: '22008', message: 'date/time field value out of range: "1980-02-31"' },
      /^the database refused: date\/time field value out of range; nothing changed$/,
    ],
    [new Error('something else\nwith a second line'), /^something else; nothing changed$/],
  ] as const) {
    it(`${line}`, () => {
      expect(describeFailure(error)).to.match(line);
    });
  }

  it('does not promise what it cannot know', () => {
    const lost = new Error('Connection terminated unexpectedly');
    expect(describeFailure(lost, { committing: true })).to.match(/imports table tells whether/);
  });
});
