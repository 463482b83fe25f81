/** A node or the demo in a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves with the first match of `pattern` in the output; rejects when the process ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end. @returns exit status, null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs `script` (from the project's root) with Node and only this environment besides PATH and HOME. */
export function run(script: string, environment: Readonly<Record<string, string>>): Running {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, script.split(' '), {
    cwd: ROOT,
    env: { PATH, HOME, ...environment } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.off('exit', kill));

  return {
    child,
    output: () => text,
    waitFor(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(text);
          if (!found) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        void ended.then((code) => reject(new Error(`${script} ended (${code}) before ${pattern}:\n${text}`)));
        look();
      });
    },
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
