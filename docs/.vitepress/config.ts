/**
 * The documentation as a static site: `npm run docs:build` writes dist/site, `npm run docs:dev` shows it on this machine.
 *
 * The site has the folders of the repository, so that the relative links of a page lead to the same place in both. README.md is its home page.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { anchorOf, copiedFiles, PROJECT_ROOT, sourcePageOf } from './repository.ts';

/** In the order of the list, which is that of the declarations. */
function commandPages(): DefaultTheme.SidebarItem[] {
  const list = readFileSync(join(PROJECT_ROOT, 'docs', 'commands.md'), 'utf8');
  return [...list.matchAll(/\((commands\/([a-z]+))\.md\)/g)].map(([, page = '', text = '']) => ({
    text,
    link: `/docs/${page}`,
  }));
}

const SIDEBAR: DefaultTheme.SidebarItem[] = [
  { text: 'Tutorial', items: [{ text: 'Your first migration', link: '/docs/tutorial' }] },
  {
    text: 'How-to guides',
    items: [
      { text: 'All guides', link: '/docs/how-to' },
      { text: 'Operations', link: '/docs/operations' },
      { text: 'A change that is reviewed', link: '/docs/change-board' },
      { text: 'Many foreign keys', link: '/docs/many-foreign-keys' },
      { text: 'Behind a pooler', link: '/docs/pooler' },
      { text: 'Troubleshooting', link: '/docs/troubleshooting' },
      { text: 'Partitions after the migration', link: '/docs/after-the-migration' },
      { text: 'Scan, and pipelines', link: '/docs/ci' },
      { text: 'In AWS', link: '/docs/aws' },
      { text: 'With psql alone', link: '/sql/README' },
      { text: 'Report and console page', link: '/docs/report-and-console' },
    ],
  },
  {
    text: 'Reference',
    items: [
      { text: 'Commands', link: '/docs/commands', collapsed: true, items: commandPages() },
      { text: 'Options of an execution', link: '/docs/options' },
      { text: 'JSON documents', link: '/docs/json' },
      { text: 'Exit codes', link: '/docs/operations#by-exit-code' },
      { text: 'Profiles', link: '/docs/operations#profiles' },
      { text: 'Findings', link: '/docs/findings' },
      { text: 'Ledger', link: '/docs/security#the-ledger' },
      { text: 'CDK construct', link: '/infra/README' },
      { text: 'Compatibility', link: '/docs/compatibility' },
      { text: 'Glossary', link: '/docs/glossary' },
    ],
  },
  {
    text: 'Explanation',
    items: [
      { text: 'How it works', link: '/docs/architecture' },
      { text: 'What PostgreSQL does', link: '/docs/postgresql-facts' },
      { text: 'Security', link: '/docs/security' },
      { text: 'Chaos', link: '/docs/chaos' },
      { text: 'Benchmarks', link: '/docs/benchmarks' },
      { text: 'The local engine', link: '/docs/local-engine' },
      { text: 'The AWS template', link: '/docs/aws-review' },
    ],
  },
  {
    text: 'Project',
    items: [
      { text: 'Changelog', link: '/CHANGELOG' },
      { text: 'Contributing', link: '/CONTRIBUTING' },
      { text: 'Tests', link: '/docs/testing' },
      { text: 'Run the benchmarks', link: '/bench/README' },
      { text: 'Report a vulnerability', link: '/SECURITY' },
      { text: 'Code of conduct', link: '/CODE_OF_CONDUCT' },
    ],
  },
];

export default defineConfig({
  title: 'p2pfk',
  description: 'Replace the foreign key between two partitioned PostgreSQL tables by one for each pair of partitions',
  srcDir: '..',
  srcExclude: ['{bin,cdk.out,cli,core,lambdas,local,report,scripts,test}/**'],
  rewrites: { 'README.md': 'index.md' },
  outDir: '../dist/site',
  cacheDir: '../dist/.site-cache',
  // Dead links fail the build; sections are checked by test/docs/site.test.ts and links.test.ts.
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify: anchorOf },
    config: (md) => {
      md.core.ruler.push('links-to-source', ({ tokens, env }) => {
        for (const link of tokens
          .flatMap(({ children }) => children ?? [])
          .filter(({ type }) => type === 'link_open')) {
          const page = sourcePageOf(env.relativePath, String(link.attrGet('href')));
          if (page !== undefined) link.attrSet('href', page);
        }
      });
    },
  },
  buildEnd: ({ outDir }) => {
    for (const file of copiedFiles()) {
      mkdirSync(dirname(join(outDir, file)), { recursive: true });
      cpSync(join(PROJECT_ROOT, file), join(outDir, file));
    }
  },
  themeConfig: {
    nav: [
      { text: 'Tutorial', link: '/docs/tutorial' },
      { text: 'How-to guides', link: '/docs/how-to' },
      { text: 'Reference', link: '/docs/commands' },
      { text: 'Explanation', link: '/docs/architecture' },
    ],
    sidebar: SIDEBAR,
    outline: [2, 3],
    search: {
      provider: 'local',
      // Search is for what is explained. The pages of source files would hide it.
      options: {
        _render: (text, env, md) => (env.relativePath.startsWith('docs/source/') ? '' : md.render(text, env)),
      },
    },
  },
});
