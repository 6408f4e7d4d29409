import type { Mutant } from '../mutant';
import { ACCEPTANCE } from './acceptance';
import { NOT_KNOWING } from './not-knowing';
import { RECORDING } from './recording';
import { SENDING } from './sending';

/** In the order of the rules; a change of the code that one of them names moves the mutant along. */
export const MUTANTS: readonly Mutant[] = [...ACCEPTANCE, ...SENDING, ...NOT_KNOWING, ...RECORDING];
