/** `caducee import <register> <file>`: reads a register into the database and tells what changed. */
import { Presets, SingleBar } from 'cli-progress';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readSettings } from '../../config/settings.ts';
import { runImport } from '../directories/import/run.ts';
import type {
  ImportDefinition,
  ImportOptions,
  ImportProgress,
  ImportReport,
  RejectionLimit,
} from '../directories/import/types.ts';
import { importDefinitions } from '../imports.ts';
import { systemClock } from '../lib/clock.ts';

interface Register {
  readonly command: string;
  readonly description: string;
  readonly definition: ImportDefinition;
}

const { rpps, finess, ordre } = importDefinitions(systemClock);

const REGISTERS: readonly Register[] = [
  {
    command: 'rpps',
    description: 'the national directory: PS_LibreAcces_Personne_activite, or the archive that holds it',
    definition: rpps,
  },
  {
    command: 'finess',
    description: 'the FINESS sites: Etalab CSV, UTF-8 or Latin-1',
    definition: finess,
  },
  {
    command: 'ordre',
    description:
      'the Order’s register: a file in the shape of Extraction_ProSanteConnect_Personne_activite; an optional column « Date de fin » (DD/MM/YYYY) tells who left',
    definition: ordre,
  },
];

export function addImportCommands(program: Command): void {
  const group = program.command('import').description('read a register from a file, plain or zipped');
  for (const { command, description, definition } of REGISTERS) {
    group
      .command(command)
      .description(description)
      .argument('<file>')
      .addOption(
        new Option('--max-rejected <limit>', 'refuse the file beyond this many lines, or percent of them')
          .default({ percent: 1 }, '1%')
          .argParser(parseRejectionLimit),
      )
      .addOption(
        new Option('--max-removed <percent>', 'refuse the file when more than this percent would be gone')
          .default(5)
          .argParser(parsePercent),
      )
      .option('--force', 'import whatever would be gone')
      .action(
        async (file: string, given: { maxRejected: RejectionLimit; maxRemoved: number; force?: boolean }) => {
          const { DATABASE_URL: databaseUrl } = readSettings(process.env);
          if (!databaseUrl) throw new Error('DATABASE_URL is required');
          const report = await withProgressBar((onProgress) =>
            runImport({ databaseUrl, clock: systemClock }, definition, file, {
              maxRejected: given.maxRejected,
              maxRemovedPercent: given.maxRemoved,
              force: given.force ?? false,
              ...onProgress,
            }),
          );
          console.log(describeReport(report));
        },
      );
  }
}

function parseRejectionLimit(text: string): RejectionLimit {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.replace(/\s/g, '')) ?? [];
  if (number === undefined) throw new InvalidArgumentError('a count (1000) or a percentage (1%)');
  return percent ? { percent: Number(number) } : { count: Math.floor(Number(number)) };
}

function parsePercent(text: string): number {
  const percent = Number(text.replace(/\s*%$/, ''));
  if (!(percent >= 0 && percent <= 100)) throw new InvalidArgumentError('a percentage from 0 to 100');
  return percent;
}

/** Shows a bar where somebody looks. */
async function withProgressBar(
  work: (onProgress: Pick<ImportOptions, 'onProgress'>) => Promise<ImportReport>,
): Promise<ImportReport> {
  if (!process.stderr.isTTY) return work({});
  const bar = new SingleBar(
    { format: '{phase} {bar} {percentage} %', hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { phase: 'reading' });
  const show = ({ phase, bytesRead, totalBytes }: ImportProgress) => {
    if (phase === 'applying') return bar.update(1, { phase });
    return totalBytes ? bar.update(bytesRead / totalBytes, { phase }) : undefined;
  };
  try {
    return await work({ onProgress: show });
  } finally {
    bar.stop();
  }
}

export function describeReport(report: ImportReport): string {
  const { fileName, rowsRead, added, changed, gone, unchanged, rejected, rejections, durationMs } = report;
  const lines = [
    `${fileName} imported in ${(durationMs / 1_000).toFixed(1)} s`,
    `rows read  ${rowsRead}`,
    `added      ${added}`,
    `changed    ${changed}`,
    `gone       ${gone}`,
    `unchanged  ${unchanged}`,
    `rejected   ${rejected}`,
    ...rejections.map(({ line, reason }) => `  line ${line}: ${reason}`),
  ];
  if (report.encoding) lines.splice(1, 0, `encoding   ${report.encoding}`);
  if (rejected > rejections.length) lines.push(`  and ${rejected - rejections.length} more`);
  for (const [name, value] of Object.entries(report.notes)) lines.push(`${inWords(name)}: ${value}`);
  return lines.join('\n');
}

/** `unusablePhones` → `unusable phones`. */
const inWords = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
