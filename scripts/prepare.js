/**
 * npm runs this after `npm ci`, and once more at the first `npx p2pfk` in a clone. Without the dependencies nothing can
 * be built; failing then would break npx's cache for this folder for good, so it is left to `bin/p2pfk.js` to say what
 * to do. Plain JavaScript, because without the dependencies the machine's own Node runs it.
 */
import { existsSync } from 'node:fs';

const dependencies = new URL('../node_modules/esbuild/package.json', import.meta.url);

if (existsSync(dependencies)) await import('./build.ts');
else console.error('p2pfk is not built, because its dependencies are not installed: run "npm ci".');
