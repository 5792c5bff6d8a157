/**
 * What a profile of p2pfk.config.json may say, and what it may not. A file may say where, and make p2pfk more careful: it never makes it
 * less careful, accepts nothing, trusts no role, brings no SQL, and names no table and no person. A repository that was cloned has files of
 * its own, so that "who may write the file" does not say who has written it. docs/security.md has the reasons.
 */
import { INPUT_OPTIONS } from '../../core/contracts/options/all.ts';

export type ConfigValue = string | number | boolean;

export interface ConfigKey {
  /** What the value has to be, as the end of a sentence. */
  readonly expected: string;
  readonly fits: (value: ConfigValue) => boolean;
}

const text = (value: ConfigValue): boolean => typeof value === 'string' && value.trim() !== '';
const number = (value: ConfigValue): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const duration = (value: ConfigValue): boolean => number(value) || text(value);

/** Keys by the attribute of the option: `maxReplicaLag` of `--max-replica-lag`. Values are written as on the command line. */
export const CONFIG_KEYS: Readonly<Record<string, ConfigKey>> = {
  databaseUrl: { expected: 'a URL, or "host=... dbname=...", without a password', fits: text },
  maxConcurrency: { expected: 'a whole number', fits: number },
  lockTimeoutMs: {
    expected: `a whole number up to ${INPUT_OPTIONS.lockTimeoutMs.default}: how much longer others may wait has to be typed`,
    fits: (value) => number(value) && Number(value) <= INPUT_OPTIONS.lockTimeoutMs.default,
  },
  maxReplicaLag: { expected: 'a duration such as "2s"', fits: duration },
  maxSnapshotAge: { expected: 'a duration such as "30m"', fits: duration },
  maxActiveSessions: { expected: 'a whole number', fits: number },
  approval: { expected: '"manual"; without an approval has to be typed', fits: (value) => value === 'manual' },
  approvalTimeout: { expected: 'a duration such as "8h"', fits: duration },
  approverMustDiffer: { expected: 'true', fits: (value) => value === true },
  pairConstraintNames: { expected: 'a text', fits: text },
};

/**
 * Parameters of libpq that the databaseUrl of a profile may have. Not among them: passwords and files with them; keys; `options`, by
 * which a session could begin with any setting; `hostaddr` and `service`, by which a password that is kept for one server would be sent
 * to another.
 */
export const URL_PARAMETERS: ReadonlySet<string> = new Set([
  'host',
  'port',
  'dbname',
  'user',
  'sslmode',
  'sslrootcert',
  'sslnegotiation',
  'channel_binding',
  'target_session_attrs',
  'connect_timeout',
]);
