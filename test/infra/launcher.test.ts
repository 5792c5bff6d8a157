/** bin/p2pfk.js, in copies of its folder with a command line that only answers. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from './stack.helpers.ts';

/** Stands in for an old Node: the launcher sees version 18 until it starts another Node. */
const OLD_NODE = "Object.defineProperty(process.versions, 'node', { value: '18.20.0' });\n";
const COMMAND_LINE = `
const [command, value] = process.argv.slice(2);
if (command === 'exit') process.exit(Number(value));
if (command === 'die') process.kill(process.pid, value);
if (command === 'wait') {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(signal.length));
  setInterval(() => {}, 1000);
}
console.log(command, process.versions.node.split('.')[0] >= 22, value);
`;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(process.platform === 'win32')('bin/p2pfk.js', () => {
  let root: string;
  const installation = async (name: string, { dist, node }: { dist: boolean; node: boolean }) => {
    const folder = join(root, name);
    await mkdir(join(folder, 'bin'), { recursive: true });
    await mkdir(join(folder, 'dist'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await copyFile(join(projectRoot, 'bin', 'p2pfk.js'), join(folder, 'bin', 'p2pfk.js'));
    if (dist) {
      await writeFile(join(folder, 'dist', 'cli.js'), COMMAND_LINE);
      const rule = await readFile(join(projectRoot, 'local', 'trusted-path.ts'), 'utf8');
      const { code } = await transform(rule, { loader: 'ts' });
      await writeFile(join(folder, 'dist', 'trusted-path.js'), code);
    }
    if (node) {
      await mkdir(join(folder, 'node_modules'));
      const installed = dirname(createRequire(import.meta.url).resolve('node/package.json'));
      await symlink(installed, join(folder, 'node_modules', 'node'));
    }
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'p2pfk-launcher-'));
    await writeFile(join(root, 'old-node.cjs'), OLD_NODE);
    await installation('complete', { dist: true, node: true });
    await installation('unbuilt', { dist: false, node: true });
    await installation('without-node', { dist: true, node: false });
  });
  afterAll(() => rm(root, { recursive: true }));

  const start = (name: string, args: string[], { old = false } = {}): ChildProcess => {
    const options = old ? ['--require', join(root, 'old-node.cjs')] : [];
    return spawn(process.execPath, [...options, join(root, name, 'bin', 'p2pfk.js'), ...args]);
  };
  const finish = async (child: ChildProcess): Promise<Ended> => {
    const output = { stdout: '', stderr: '' };
    child.stdout?.on('data', (data) => (output.stdout += data));
    child.stderr?.on('data', (data) => (output.stderr += data));
    const [code, signal] = await once(child, 'close');
    return { code, signal, ...output };
  };
  const run = (...parameters: Parameters<typeof start>) => finish(start(...parameters));

  describe.each([
    ['on a new Node', false],
    ['on an old Node, through the one that npm brought', true],
  ])('%s', (_, old) => {
    it('hands over the arguments, and runs on Node 24 or newer', async () => {
      expect(await run('complete', ['say', '--table "x y"'], { old })).toMatchObject({
        code: 0,
        stdout: 'say true --table "x y"\n',
        stderr: '',
      });
    });

    it.each([0, 1, 6])('ends with exit code %i', async (code) => {
      expect(await run('complete', ['exit', String(code)], { old })).toMatchObject({ code });
    });

    it('ends by the same signal', async () => {
      expect(await run('complete', ['die', 'SIGKILL'], { old })).toMatchObject({ code: null, signal: 'SIGKILL' });
    });

    it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on and waits for the end', async (signal) => {
      const child = start('complete', ['wait'], { old });
      const ended = finish(child);
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
      child.kill(signal);
      expect(await ended).toMatchObject({ code: signal.length, signal: null });
    });

    it('says in one line that it is not built', async () => {
      const { code, stdout, stderr } = await run('unbuilt', ['plan'], { old });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^p2pfk is not built yet: run "npm ci", or "npm run build" .* in .*unbuilt\.\n$/);
    });
  });

  it('says in one line that there is no new enough Node', async () => {
    const { code, stderr } = await run('without-node', ['plan'], { old: true });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^p2pfk needs Node 24 or newer, .*\n$/);
  });

  it('does not start an old Node that npm has installed, which would start itself again and again', async () => {
    await installation('with-old-node', { dist: true, node: false });
    const folder = join(root, 'with-old-node', 'node_modules', 'node');
    await mkdir(join(folder, 'bin'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"name":"node","version":"20.1.0"}');
    await writeFile(join(folder, 'bin', 'node'), '#!/bin/sh\necho started\n', { mode: 0o755 });
    const { code, stdout, stderr } = await run('with-old-node', ['plan'], { old: true });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^p2pfk needs Node 24 or newer, .*\n$/);
  });

  it.runIf(process.getuid?.() === 0)('does not start a Node that another user could have written', async () => {
    await installation('foreign', { dist: true, node: false });
    const bin = join(root, 'node_modules', 'node', 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, '..', 'package.json'), '{"name":"node","version":"24.0.0"}');
    await writeFile(join(bin, 'node'), '#!/bin/sh\necho started\n', { mode: 0o755 });
    expect(await run('foreign', ['plan'], { old: true })).toMatchObject({ code: 0, stdout: 'started\n' });
    for (const path of [join(bin, 'node'), bin, join(root, 'node_modules')]) {
      await chown(path, 65534, 65534);
      const { code, stdout, stderr } = await run('foreign', ['plan'], { old: true });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /^p2pfk does not run \S+, because another user could have written it \(.* \(uid 65534\)\): [^\n]+\n$/,
      );
      await chown(path, 0, 0);
    }
    await rm(join(root, 'node_modules'), { recursive: true });
  });

  it('can be started as a command', async () => {
    const source = join(root, 'complete', 'bin', 'p2pfk.js');
    await chmod(source, 0o755);
    const [code] = await once(execFile(source, ['exit', '0']), 'close');
    expect(code).toBe(0);
  });
});
