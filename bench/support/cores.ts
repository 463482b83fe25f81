/** Keeps what is measured on a core of its own, away from the load and from PostgreSQL, where the system can (Linux). */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const pin = (pid: number, cores: string): boolean => {
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Moves this process, and what it starts from now on, off the first core. @returns false when that cannot be done. */
export const leaveFirstCore = (): boolean =>
  availableParallelism() >= 2 && pin(process.pid, `1-${availableParallelism() - 1}`);

export const takeFirstCore = (pid: number): boolean => pin(pid, '0');
