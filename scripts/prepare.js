/**
 * npm's `prepare`: builds `dist/` after `npm ci`, and again at the first `npx p2pfk` in a clone. Without the dependencies nothing
 * can be built. Failing then would permanently break npx's cache for this folder, so only a warning is printed, and
 * `bin/p2pfk.js` explains what to do. Plain JavaScript, because without the dependencies the machine's own Node runs it.
 */
import { existsSync } from 'node:fs';

const dependencies = new URL('../node_modules/esbuild/package.json', import.meta.url);

if (existsSync(dependencies)) await import('./build.ts');
else console.error('p2pfk is not built, because its dependencies are not installed: run "npm ci".');
