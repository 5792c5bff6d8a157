#!/usr/bin/env node
/**
 * Starts the command line. It needs Node 24, whose SQLite is ready for use; started by an older one (18 or later), it
 * starts itself again with the Node that `npm ci` brings into a clone as the package `node`. Plain JavaScript, because an old Node has to be able to
 * read it.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = 24;
/** Exit code for bad usage or input, as in cli/exit-codes.ts. */
const BAD_INPUT = 2;

const installation = dirname(dirname(fileURLToPath(import.meta.url)));
const commandLine = pathToFileURL(join(installation, 'dist', 'cli.js'));

if (!existsSync(commandLine)) {
  refuse(`p2pfk is not built yet: run "npm ci", or "npm run build" if that is done, in ${installation}.`);
} else if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) {
  if (process.env.P2PFK_DEBUG) process.setSourceMapsEnabled(true);
  const problem = await rebuilt();
  if (problem === null) await import(commandLine.href);
  else refuse(problem);
} else {
  const node = bundledNode();
  if (node === null) {
    refuse(
      `p2pfk needs Node ${OLDEST_NODE} or newer, and this is ${process.version}: install it from https://nodejs.org (in a clone, "npm ci" brings one along).`,
    );
  } else {
    const problem = await foreignNode(node);
    if (problem === null) startAgainWith(node);
    else refuse(problem);
  }
}

/**
 * Node looks for the package in the directories above, too: in /tmp another user can leave one there for a clone that has none.
 * @returns why it is not run, or null
 */
async function foreignNode(node) {
  const rule = join(installation, 'dist', 'trusted-path.js');
  if (!existsSync(rule)) return `p2pfk is not built completely: run "npm run build" in ${installation}.`;
  const { intruderIn } = await import(pathToFileURL(rule).href);
  const intruder = intruderIn(node);
  return (
    intruder &&
    `p2pfk does not run ${node}, because another user could have written it (${intruder.path}: ${intruder.reason}): start it with Node ${OLDEST_NODE}.`
  );
}

/** In a clone, what runs is what the working tree says. @returns why it cannot be built, or null */
async function rebuilt() {
  const script = join(installation, 'scripts', 'rebuild.ts');
  if (!existsSync(script)) return null;
  const { rebuildIfChanged } = await import(pathToFileURL(script).href);
  const problem = rebuildIfChanged();
  return problem && `p2pfk cannot be built from the changed sources in ${installation}:\n${problem.trimEnd()}`;
}

/** Path of the executable of the npm package `node`, wherever npm put that package; `null` when there is none, or an old one. */
function bundledNode() {
  try {
    const description = createRequire(import.meta.url).resolve('node/package.json');
    const { version } = JSON.parse(readFileSync(description, 'utf8'));
    if (!(Number.parseInt(version, 10) >= OLDEST_NODE)) return null;
    const folder = dirname(description);
    const executable = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(executable) ? executable : null;
  } catch {
    return null;
  }
}

/** Runs this file once more, and ends as that run ends. */
function startAgainWith(node) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' });

  const { stdin, stdout, stderr } = process;
  const onTerminal = Boolean(stdin.isTTY || stdout.isTTY || stderr.isTTY);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to every process in the foreground: passed on, it would reach the child twice.
      if (signal === 'SIGINT' && onTerminal) return;
      child.kill(signal);
    });
  }

  child.on('error', (error) => refuse(`p2pfk could not start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? BAD_INPUT;
      return;
    }
    // Die of the same signal, so that a shell sees what happened.
    process.removeAllListeners(signal);
    process.exitCode = 128 + (constants.signals[signal] ?? 0);
    process.kill(process.pid, signal);
  });
}

/** @param {string} message one line for a person */
function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = BAD_INPUT;
}
