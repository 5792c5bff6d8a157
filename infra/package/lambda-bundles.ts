/** The folder with the bundle of the Lambda functions in this package. */
import { join } from 'node:path';

/**
 * The same path from this folder and from `infra/dist/`, where the package's own code is bundled to: both are folders of `infra/`.
 */
export const packagedBundles = join(import.meta.dirname, '..', 'dist', 'lambdas');
