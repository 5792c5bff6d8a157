/** Where and when a result was measured. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { POSTGRES_PACKAGES } from '../../scripts/install-postgres.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly p2pfk: string;
  /** Versions of PostgreSQL that can have been measured; each table says which. */
  readonly postgres: string;
  /** Commit of the working tree, with `+` where files were changed. */
  readonly commit: string;
  /** Of the last minute when the benchmark began: much above 0 means that others worked on the machine as well. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const [first] = cpus();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    p2pfk: version,
    postgres: Object.values(POSTGRES_PACKAGES)
      .map((name) => name.replace(/-.*/, ''))
      .join(', '),
    commit: commit(),
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    // What benchmarks themselves write is no change of what they measure.
    const changed = git('status', '--porcelain', '--', '.', ':!bench/results', ':!docs') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}
