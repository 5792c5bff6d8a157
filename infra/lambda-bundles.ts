/** Where the Lambda bundles of this package are. */
import { join } from 'node:path';

/** The same from `infra/` as from `dist/`, where the package's own code is bundled to: both lie below the root. */
export const packagedBundles = join(import.meta.dirname, '..', 'dist', 'lambdas');
