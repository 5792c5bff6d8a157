/** The layers and their arrows: `npx depcruise --config .dependency-cruiser.cjs core cli lambdas local report infra scripts`. */
const CORE = ['contracts', 'postgres', 'catalog', 'ledger', 'checks', 'plan', 'steps', 'provision', 'drift', 'scan'];
const below = (layer) => CORE.slice(0, CORE.indexOf(layer) + 1).map((name) => `core/${name}`);
/** What each may import; the order of CORE is the order of the layers. */
const MAY_IMPORT = {
  ...Object.fromEntries(CORE.map((layer) => [`core/${layer}`, below(layer)])),
  'core/history': ['core/history', 'core/contracts'],
  lambdas: ['lambdas', ...below('drift')],
  local: ['local', 'lambdas', ...below('drift')],
  report: ['report', 'core/history', 'core/contracts'],
  cli: ['cli', 'local', 'report', 'core/history', ...below('scan')],
  infra: ['infra', 'core/contracts'],
  scripts: ['scripts', 'infra', 'local', 'cli', ...below('ledger')],
};
const folders = (names) => `^(${names.join('|')})/`;
const ours = folders(['core', 'cli', 'lambdas', 'local', 'report', 'infra', 'scripts', 'test', 'bench']);

module.exports = {
  forbidden: [
    ...Object.entries(MAY_IMPORT).map(([layer, allowed]) => ({
      name: `arrow-from-${layer.replace('/', '-')}`,
      comment: `${layer} may import only ${allowed.join(', ')}: see docs/architecture.md`,
      severity: 'error',
      from: { path: folders([layer]) },
      to: { path: ours, pathNot: folders(allowed) },
    })),
    {
      name: 'no-layer',
      comment: 'Every file of core/ is in the folder of a layer.',
      severity: 'error',
      from: {},
      to: { path: '^core/[^/]+\\.ts$' },
    },
    {
      name: 'core-knows-no-aws',
      comment:
        'Whose packages core/ imports would have to be installed wherever it runs: it has shapes of its own for what AWS returns.',
      severity: 'error',
      from: { path: '^core/' },
      to: { path: '(^|/)(@aws-sdk|@aws-lambda-powertools|@smithy|aws-[^/]+)/' },
    },
    {
      name: 'no-cycle',
      comment: 'Neither of values nor of types.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-test-code',
      severity: 'error',
      from: { pathNot: '^(test|bench)/|^vitest' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-orphan',
      comment: 'A file that nothing imports and that is not an entry point.',
      severity: 'error',
      from: { orphan: true, pathNot: '^(scripts|lambdas|bin)/|\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    // dependency-cruiser 18 knows no TypeScript 7; swc reads type-only imports as well.
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|infra/dist|cdk.out|report/client)/' },
    detectProcessBuiltinModuleCalls: false,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
