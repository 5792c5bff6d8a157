/** What `p2pfk doctor` finds out about this machine: Node, this installation, the directory of local executions. Writes nothing. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type DoctorCheck, ok, problem, warning } from '../../core/checks/doctor.ts';
import { messageOf } from '../../core/contracts/errors.ts';
import { isRecord } from '../../core/history/json.ts';
import { privateDirectoryProblem } from '../../local/store/private-directory.ts';
import { stateDirectory } from '../../local/store/state-directory.ts';
import { version } from '../version.ts';

const OLDEST_NODE = 24;

export async function examineMachine(stateDir: string | undefined): Promise<DoctorCheck[]> {
  return [node(process.versions.node), await installation(root()), states(stateDirectory(stateDir))];
}

export function node(running: string): DoctorCheck {
  if (Number.parseInt(running, 10) >= OLDEST_NODE) return ok('node', `Node ${running}`);
  return problem(
    'node',
    `Node ${running} is too old: p2pfk needs ${OLDEST_NODE} or newer`,
    `install Node ${OLDEST_NODE}; in a clone start p2pfk by bin/p2pfk.js, which uses the one that npm ci has brought along`,
  );
}

/** The folder with package.json: above `dist/`, or above the sources. */
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** In a clone: whether `dist/`, which the Lambda functions are deployed from, too, is what the working tree says. */
export async function installation(folder: string): Promise<DoctorCheck> {
  const installed = versionIn(folder);
  if (installed !== version)
    return problem(
      'installation',
      `dist/ is of p2pfk ${version}, and package.json in ${folder} of ${installed ?? 'none'}`,
      'install it again: npm ci',
    );
  const script = join(folder, 'scripts', 'rebuild.ts');
  if (!existsSync(script)) return ok('installation', `p2pfk ${version}`);
  const { isBuilt } = (await import(pathToFileURL(script).href)) as { isBuilt(): boolean };
  if (isBuilt()) return ok('installation', `p2pfk ${version}, a clone whose dist/ is up to date`);
  return warning('installation', `p2pfk ${version}, a clone whose dist/ is older than its sources`, 'npm run build');
}

function versionIn(folder: string): string | null {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return isRecord(found) && typeof found.version === 'string' ? found.version : null;
  } catch {
    return null;
  }
}

/** Where executions would be kept; made only when the first one runs. */
export function states(directory: string): DoctorCheck {
  const remedy = 'name another directory, of your own, with --state-dir or P2PFK_STATE_DIR';
  try {
    const refused = privateDirectoryProblem(directory);
    if (refused !== null) return problem('state-directory', refused, remedy);
    let there = directory;
    while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
    accessSync(there, constants.W_OK | constants.X_OK);
    return ok('state-directory', `${directory}${there === directory ? '' : ', which the first execution makes'}`);
  } catch (error) {
    return problem('state-directory', `${directory} cannot be written to: ${messageOf(error)}`, remedy);
  }
}
