/** A linear model with its loss, for the command line: what is exported is addressable by name. */
import * as tl from '../../src/index.js';

export const x = tl.placeholder('float32', [null, 3], { name: 'x' });
export const w = tl.variable([[1], [2], [3]], { name: 'w' });
export const y = tl.matmul(x, w, { name: 'y' });
export const loss = tl.reduceMean(tl.square(y), { name: 'loss' });
/** Nothing flows back through a floor: ask `explain` about it. */
export const steps = tl.floor(y, { name: 'steps' });
