import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from '../support/process.ts';

describe('the measures', function () {
  this.timeout(60_000);
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'caducee-bench-test-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const bench = async (words: string) => {
    const running = run(`bench/main.ts ${words}`, { DATA_DIR: dataDir });
    const status = await new Promise<number | null>((resolve) => running.child.once('close', resolve));
    return { status, output: running.output() };
  };

  it('run, print a row for each side with its ratio and its aim, and leave nothing behind', async () => {
    const { status, output } = await bench('--quick engine');
    expect(status, output).to.equal(0);
    for (const work of [
      'discovery',
      'key set',
      'userinfo',
      'refresh with rotation',
      'sign-in without the hash',
    ]) {
      expect(output).to.match(new RegExp(`^${work} +engine alone( +[\\d.]+){4} +1 +1$`, 'm'));
    }
    const caducee = output.match(/^ +Caducée( +[\d.]+){6} +≥ [\d.]+ +(ok|under)$/gm);
    expect(caducee, output).to.have.length(6);
    expect(output).to.match(/exchanges of one code at once.*Caducée 1, must be 1: ok/);
    expect(output).to.contain('fsync on, synchronous_commit on');
    expect(existsSync(join(dataDir, 'bench'))).to.equal(false);
  });

  it('tell which suites there are when one is not known', async () => {
    const { status, output } = await bench('nothing');
    expect(status).to.equal(2);
    expect(output).to.match(/^ {2}engine +\S/m);
    expect(output).to.contain('no such suite: nothing');
  });
});
