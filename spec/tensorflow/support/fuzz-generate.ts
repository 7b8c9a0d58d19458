/** Random programs: which leaves they have, how much they do, and whether control flow is in them. */
import { Chance } from './fuzz-chance.js';
import { chooseCalls } from './fuzz-calls.js';
import { growSteps } from './fuzz-flow-generate.js';
import { Grower } from './fuzz-grow.js';
import type { Program } from './fuzz-program.js';

const shapes: readonly (readonly number[])[] = [[], [2], [3], [1], [2, 3], [3, 1], [1, 3], [2, 1], [2, 2], [2, 3, 2]];
const emptyShapes: readonly (readonly number[])[] = [[0], [0, 3], [2, 0]];

/** The program of a seed: the same one every time. */
export function generate(seed: number): Program {
  const chance = new Chance(`program ${seed}`);
  const manner = {
    chance,
    known: !chance.oneIn(3),
    placed: chance.oneIn(3),
    dtype: chance.of(['float32', 'float32', 'float64'] as const),
  };
  const grower = new Grower(manner);
  const shape = () => (chance.oneIn(25) ? chance.of(emptyShapes) : chance.of(shapes));
  const leaves = 1 + chance.below(3);
  for (let i = 0; i < leaves; i++) grower.leaf(manner.dtype, shape());
  if (chance.oneIn(8)) grower.leaf('complex64', shape());
  if (chance.oneIn(8)) grower.leaf(chance.of(['int32', 'int64', 'bool'] as const), shape());
  growSteps(grower, 2 + chance.below(9), chance.oneIn(3));
  const program = { seed, steps: grower.steps, calls: [] };
  return { ...program, calls: chooseCalls(chance, program, grower.items, manner.placed) };
}
