/** Processor time and memory of other processes, where `/proc` tells them (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

function statOf(pid: number | string): { parent: number; seconds: number; reaped: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0, user = 0, system = 0, reapedUser = 0, reapedSystem = 0] = [1, 11, 12, 13, 14].map(
      (rank) => fields[rank],
    );
    return {
      parent,
      seconds: (user + system) / TICKS_PER_SECOND,
      reaped: (reapedUser + reapedSystem) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** Seconds of processor that a process and its children used so far; 0 where it cannot be known. */
export function processorSeconds(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const own = statOf(pid);
  if (!own) return 0;
  let total = own.seconds + own.reaped;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const child = statOf(name);
    if (child?.parent === pid) total += child.seconds;
  }
  return total;
}

/** Highest resident memory of a process so far, in MiB. */
export function peakMemoryMiB(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1_024;
  } catch {
    return undefined;
  }
}
