/** What the report does beyond showing itself. Everything is in the page already: this sorts, hides, zooms and opens. */
import { enhance } from './enhance.ts';
import { theme } from './theme.ts';

theme();
enhance();
