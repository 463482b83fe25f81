/** `npm run bench -- [--quick] [suite…]`: runs the named suites, or all of them, one after the other. */
import { parseArgs } from 'node:util';
import { engine } from './engine.ts';
import { directoryImport } from './import.ts';
import { directorySearch } from './search.ts';
import type { Suite } from './suite.ts';

const SUITES: readonly Suite[] = [engine, directoryImport, directorySearch];

const help = (): string =>
  [
    'npm run bench -- [--quick] [suite…]',
    '',
    ...SUITES.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`),
    '',
    '  --quick    a smoke run of a few seconds; its figures mean nothing',
  ].join('\n');

const stops: (() => unknown)[] = [];

async function stopAll(): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) {
    try {
      await stop();
    } catch (error) {
      console.error((error as Error).message);
    }
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (values.help || unknown.length > 0) {
    console.log(help());
    if (unknown.length > 0) console.error(`\nno such suite: ${unknown.join(', ')}`);
    return unknown.length > 0 ? 2 : 0;
  }
  const chosen = SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  let status = 0;
  for (const { name, description, run } of chosen) {
    console.log(`\n${name}: ${description}\n`);
    try {
      await run({ quick: values.quick, print: console.log, defer: (stop) => stops.push(stop) });
    } catch (error) {
      console.error(error);
      status = 1;
    }
    await stopAll();
  }
  return status;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
}
process.exit(await main());
