/** The folder of the Lambda bundles in this package. */
import { join } from 'node:path';

/**
 * The same path from `infra/` and from `dist/` (where the package's own code is bundled to): both are folders in the package's
 * root.
 */
export const packagedBundles = join(import.meta.dirname, '..', 'dist', 'lambdas');
