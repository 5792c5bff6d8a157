/**
 * The declarations of the package `p2pfk-cdk`, in `infra/dist/types/` for ES modules and in `infra/dist/types-cjs/` for CommonJS.
 *
 * TypeScript emits one for each source, and the types of the catalogue of steps and of an execution's input are those of zod
 * schemas. A CDK app has no zod, so these two are written out here. Only what the package's index needs is kept.
 *
 * Run by `npm pack` in `infra/`, for which everything else must be built.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { MaintenanceWindow } from '../core/contracts/aws/maintenance-window.ts';
import { inputOptions } from '../core/contracts/options/all.ts';
import { filled, type InputOption } from '../core/contracts/options/option.ts';
import { stepNames } from '../core/contracts/steps/catalogue.ts';
import { constructFolder, projectRoot } from './bundle.ts';
import { writeChanged } from './output.ts';

const INDEX = join('infra', 'index.d.ts');
const FROM = /(from |import\()(['"])([^'"]+)\2/g;
/** What a CDK app has. */
const PEERS = /^(aws-cdk-lib|constructs)(\/|$)/;

/** Declarations that are written out, by path below the root. */
const WRITTEN: ReadonlyMap<string, () => string> = new Map([
  [join('core', 'contracts', 'steps', 'catalogue.d.ts'), stepNameType],
  [join('core', 'contracts', 'aws', 'maintenance-window.d.ts'), maintenanceWindowType],
]);

/** @throws Error where TypeScript fails, or a declaration imports anything but CDK */
async function declareConstruct(): Promise<void> {
  const emitted = await mkdtemp(join(tmpdir(), 'p2pfk-types-'));
  try {
    await emit(emitted);
    const texts = await declarations(emitted);
    const kinds = { types: 'module', 'types-cjs': 'commonjs' };
    for (const [folder, type] of Object.entries(kinds)) {
      await rm(join(constructFolder, folder), { recursive: true, force: true });
      const files = [...texts, ['package.json', `${JSON.stringify({ type })}\n`] as const];
      await writeChanged(
        files.map(([path, text]) => ({ path: join(constructFolder, folder, path), contents: Buffer.from(text) })),
      );
    }
  } finally {
    await rm(emitted, { recursive: true, force: true });
  }
}

async function emit(folder: string): Promise<void> {
  const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['-p', join(projectRoot, 'tsconfig.types.json'), '--outDir', folder, '--pretty', 'false'];
  await promisify(execFile)(process.execPath, [tsc, ...options]).catch((error: { readonly stdout?: string }) => {
    throw new Error(`The declarations of the construct cannot be made: ${error.stdout?.trim() ?? error}`);
  });
}

/** The declarations that the index needs, by path below the root. */
async function declarations(emitted: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const open = [INDEX];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    const text = WRITTEN.get(path)?.() ?? (await readFile(join(emitted, path), 'utf8'));
    // With the extension of JavaScript, which every version of TypeScript resolves.
    found.set(
      path,
      text.replace(FROM, (whole) => whole.replace(/\.ts(['"])$/, '.js$1')),
    );
    for (const [, , , source = ''] of text.matchAll(FROM)) {
      if (source.startsWith('.')) open.push(join(dirname(path), source).replace(/\.[jt]s$/, '.d.ts'));
      else if (!PEERS.test(source) && !isComment(text, source))
        throw new Error(`${relative('.', path)} imports ${source}, which a CDK app does not have.`);
    }
  }
  return found;
}

/** Whether a module is named only in comments, such as in an example. */
function isComment(text: string, source: string): boolean {
  return text
    .split('\n')
    .filter((line) => line.includes(source))
    .every((line) => /^\s*(\/\*)?\*/.test(line));
}

function stepNameType(): string {
  const names = stepNames.map((name) => `'${name}'`).join(' | ');
  return `/** Name of the Lambda function of a step. */\nexport type StepName = ${names};\n`;
}

/** Written from the schema, with the descriptions of `--help`. */
function maintenanceWindowType(): string {
  const { properties } = z.toJSONSchema(MaintenanceWindow, { io: 'input', unrepresentable: 'any' });
  const { input, ...window } = properties as Readonly<Record<string, Schema>>;
  if (input?.properties === undefined) throw new Error('The schema of a maintenance window has no input');
  const keys = Object.entries(input.properties).flatMap(([key, schema]) => {
    const option: InputOption | undefined = inputOptions.find(([name]) => name === key)?.[1];
    // The window sets the others itself.
    if (option?.flag === undefined) return [];
    return property(key, schema, filled(option.help ?? '', option), input.required);
  });
  const comments: Readonly<Record<string, string>> = {
    cron: 'When it opens, repeatedly: `cron(0 3 ? * SUN *)`. Either `cron` or `at`.',
    at: 'When it opens, once, in local time of `timeZone`: `2027-01-31T03:00`.',
    timeZone: 'IANA name, such as `Europe/Berlin`.',
    minutes: 'Length of the window. No pair is begun after it.',
  };
  return `/** Input of the executions that a window starts: the options of \`p2pfk migrate\`. */
export interface MaintenanceWindowInput {
${keys.join('\n')}
}
/** A window: when it opens, how long it is, and what is started in it. */
export interface MaintenanceWindow {
${Object.entries(window)
  .map(([key, schema]) => property(key, schema, comments[key] ?? '', ['timeZone', 'minutes']))
  .join('\n')}
    /** The execution's input, without a deadline, which is the end of the window. */
    readonly input: MaintenanceWindowInput;
}
`;
}

/** The parts of a JSON schema that an execution's input has. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

function property(key: string, schema: Schema, comment: string, required: readonly string[] = []): string {
  const isRequired = required.includes(key);
  const type = `${typeOf(schema)}${isRequired ? '' : ' | undefined'}`;
  return `    /** ${comment} */\n    readonly ${key}${isRequired ? '' : '?'}: ${type};`;
}

function typeOf({ type, enum: words, items }: Schema): string {
  if (words) return words.map((word) => JSON.stringify(word)).join(' | ');
  if (type === 'array' && items) return `readonly ${typeOf(items)}[]`;
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean') return type;
  throw new Error(`A schema of type ${type} has no declaration yet`);
}

await declareConstruct();
