/** State BuildIndex: the supporting index of one pair. */
import { PairEvent } from '../core/contracts/steps/events.ts';
import { eachPair, isIndexed } from '../core/steps/batch.ts';
import { buildIndex } from '../core/steps/forward/build-index.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('build-index', PairEvent, eachPair(buildIndex, isIndexed));
