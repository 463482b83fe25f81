import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';

describe('embedded PostgreSQL', function () {
  this.timeout(60_000);
  let parent: string;
  let dataDir: string;
  let server: EmbeddedPostgres | undefined;
  const start = async () => {
    server = await startEmbeddedPostgres({ dataDir, purpose: 'test' });
    return server;
  };
  const query = async (url: string, sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };

  beforeEach(async () => {
    // Closed to others, like a home folder: as root, PostgreSQL's own user may not enter it.
    parent = await mkdtemp(join(tmpdir(), 'caducee-test-'));
    dataDir = join(parent, 'data');
  });
  afterEach(async () => {
    await server?.remove();
    server = undefined;
    await rm(parent, { recursive: true, force: true });
  });

  it('keeps its data from one start to the next', async () => {
    let url = await (await start()).ensureDatabase('caducee');
    await query(url, "create table note as select 'gardée' as text");
    await server!.stop();
    await server!.stop();
    expect(await query(url, 'select 1').catch(({ code }) => code)).to.equal('ECONNREFUSED');
    url = await (await start()).ensureDatabase('caducee');
    expect(await query(url, 'select text from note')).to.deep.equal([{ text: 'gardée' }]);
  });

  it('speaks UTF-8, sorts alike everywhere, and has the extensions we use', async () => {
    const url = (await start()).url('postgres');
    await query(url, 'create extension unaccent; create extension pg_trgm; create extension citext');
    const [row] = await query(
      url,
      `select current_setting('server_encoding') as encoding, lower('ÉLOÏSE') as lower, unaccent('Éloïse') as plain,
        similarity('Éloïse', 'éloïse') as alike, 'A@x'::citext = 'a@X' as same`,
    );
    expect(row).to.deep.equal({ encoding: 'UTF8', lower: 'éloïse', plain: 'Eloise', alike: 1, same: true });
  });

  it('listens on this machine only, behind a password that others cannot read', async () => {
    const url = (await start()).url('postgres');
    expect(new URL(url).hostname).to.equal('127.0.0.1');
    expect(await query(url, 'show listen_addresses')).to.deep.equal([{ listen_addresses: '127.0.0.1' }]);
    const stranger = new URL(url);
    stranger.password = 'guess';
    expect(await query(stranger.href, 'select 1').catch(({ code }) => code)).to.equal('28P01');
    expect((await stat(join(dataDir, 'postgres.json'))).mode & 0o077).to.equal(0);
  });

  it('starts afresh when its folder was deleted', async () => {
    await query(await (await start()).ensureDatabase('caducee'), 'create table note ()');
    await server!.stop();
    await rm(dataDir, { recursive: true });
    const url = await (await start()).ensureDatabase('caducee');
    expect(await query(url, "select to_regclass('note') as note")).to.deep.equal([{ note: null }]);
  });

  it('refuses a second start on the same folder', async () => {
    await start();
    const outcome = await startEmbeddedPostgres({ dataDir, purpose: 'test' }).catch((error: Error) => error);
    expect(outcome).to.be.an('error').with.property('message').that.includes('already runs');
  });

  it('sweeps what demos left beside root’s binaries, once their folder is gone and they are over', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const leave = async (of: string, owner: { pid: number; startedAt: string | null }) => {
      const path = `/var/tmp/caducee-cluster-${randomBytes(12).toString('hex')}`;
      await mkdir(join(path, 'data'), { recursive: true, mode: 0o711 });
      await writeFile(join(path, 'owner.json'), JSON.stringify({ dataDir: of, purpose: 'demo', owner }));
      return path;
    };
    const over = { pid: 4_194_303, startedAt: '1' };
    const forgotten = await leave(join(parent, 'deleted'), over);
    const kept = [
      await leave(parent, over),
      await leave(join(parent, 'deleted'), { pid: process.ppid, startedAt: null }),
    ];
    try {
      await start();
      expect(existsSync(forgotten)).to.equal(false);
      for (const path of kept) expect(existsSync(path)).to.equal(true);
    } finally {
      for (const path of [forgotten, ...kept]) await rm(path, { recursive: true, force: true });
    }
  });

  it('leaves nothing behind when removed', async () => {
    await start();
    const { cluster } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8'));
    await server!.remove();
    expect(existsSync(join(dataDir, 'postgres.json'))).to.equal(false);
    expect(existsSync(join(dataDir, 'postgres'))).to.equal(false);
    if (cluster) expect(existsSync(`/var/tmp/caducee-cluster-${cluster}`)).to.equal(false);
  });
});
