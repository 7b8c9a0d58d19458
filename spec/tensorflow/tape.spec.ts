/** Gradient tapes against TensorFlow's, eager and in a graph: a table of programs, and random ones. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomProgram } from './support/tape-generate.js';
import { ask, askTensorFlow, difference, type Said, type Statement } from './support/tape-program.js';

const x: Statement = ['constant', 'x', 3, 'float64'];
const k: Statement = ['constant', 'k', 5, 'float64'];
const pair: Statement = ['constant', 'x', [1, 2], 'float64'];
const tape: Statement = ['tape', 't', false, true];
const persistent: Statement = ['tape', 't', true, true];
const watch: Statement = ['watch', 't', 'x'];
const square: Statement = ['op', 'y', 'multiply', 'x', 'x'];
const run = (...statements: readonly Statement[]): Statement => ['run', 't', statements];
const gradient = (
  target: Names,
  sources: Names,
  given: Names | null = null,
  unconnected: 'none' | 'zero' = 'none',
): Statement => ['gradient', 'g', 't', target, sources, given, unconnected];

type Names = string | readonly Names[] | { readonly [key: string]: Names };

const table: Readonly<Record<string, readonly Statement[]>> = {
  'an operand that is not watched': [
    x,
    k,
    tape,
    run(watch, ['op', 'z', 'multiply', 'x', 'k']),
    gradient('z', ['x', 'k']),
  ],
  'one that is not watched, twice': [
    x,
    k,
    tape,
    run(watch, ['op', 'a', 'multiply', 'k', 'k'], ['op', 'z', 'multiply', 'x', 'a']),
    gradient('z', ['x', 'k', 'a']),
  ],
  'zeros where unconnected': [x, k, tape, run(watch, square), gradient('y', ['x', 'k'], null, 'zero')],
  'a watched intermediate changes nothing': [
    x,
    tape,
    run(watch, square, ['watch', 't', 'y'], ['op', 'z', 'square', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'an intermediate is a source': [x, tape, run(watch, square, ['op', 'z', 'square', 'y']), gradient('z', ['x', 'y'])],
  'an intermediate made before is an end': [
    x,
    square,
    tape,
    run(['watch', 't', ['x', 'y']], ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'watched after it was used': [
    x,
    tape,
    run(square, watch, ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'made after the tape': [x, tape, run(watch, square), ['op', 'z', 'square', 'y'], gradient('z', ['x', 'y'])],
  'made without recording': [
    x,
    tape,
    run(watch, square, ['stopRecording', 't', [['op', 'w', 'square', 'y']]], ['op', 'z', 'multiply', 'w', 'y']),
    gradient('z', ['x', 'y', 'w']),
  ],
  'made without recording, then watched': [
    x,
    tape,
    run(
      watch,
      square,
      ['stopRecording', 't', [['op', 'w', 'square', 'y']]],
      ['watch', 't', 'w'],
      ['op', 'z', 'multiply', 'w', 'y'],
    ),
    gradient('z', ['x', 'y', 'w']),
  ],
  'target and source, not watched': [x, tape, run(), gradient('x', 'x')],
  'integers that are target and source': [['constant', 'x', 3, 'int32'], tape, run(watch), gradient('x', 'x')],
  'integers cut': [
    ['constant', 'x', 2.5, 'float64'],
    persistent,
    run(watch, ['op', 'i', 'toInteger', 'x'], ['op', 'f', 'toFloat', 'i'], ['op', 'z', 'multiply', 'f', 'x']),
    gradient('z', ['x', 'i', 'f']),
    gradient('i', ['x', 'i'], null, 'zero'),
  ],
  'a stopped gradient, and one that is none': [
    x,
    tape,
    run(
      watch,
      ['op', 's', 'stopGradient', 'x'],
      ['op', 'f', 'floor', 'x'],
      ['op', 'a', 'multiply', 's', 'f'],
      ['op', 'z', 'multiply', 'a', 'x'],
    ),
    gradient('z', ['x', 's', 'f']),
  ],
  'a source twice': [x, tape, run(watch, square), gradient('y', ['x', 'x'])],
  'a target twice': [x, tape, run(watch, square), gradient(['y', 'y'], 'x')],
  'targets that are sources': [
    x,
    k,
    tape,
    run(['watch', 't', ['x', 'k']], ['op', 'z', 'square', 'k']),
    gradient(['x', 'k', 'z'], ['x', 'k']),
  ],
  'nests of targets and sources': [
    x,
    k,
    tape,
    run(['watch', 't', { a: 'x', b: ['k'] }], ['op', 'z', 'multiply', 'x', 'k'], square),
    gradient({ q: ['z', ['y']] }, { b: ['x', ['k']], c: 'x' }),
  ],
  'no sources': [x, tape, run(watch, square), gradient('y', [])],
  'no targets': [x, tape, run(watch, square), gradient([], 'x')],
  'output gradients': [
    pair,
    ['constant', 'u', [3, 5], 'float64'],
    ['constant', 'v', [7, 11], 'float64'],
    tape,
    run(watch, square, ['op', 'z', 'sin', 'x']),
    gradient(['y', 'z'], 'x', ['u', 'v']),
  ],
  'used twice': [x, tape, run(watch, square), gradient('y', 'x'), gradient('y', 'x')],
  'used twice, persistent': [x, persistent, run(watch, square), gradient('y', 'x'), gradient('y', 'x')],
  'run again': [
    x,
    tape,
    run(watch, square),
    ['op', 'w', 'square', 'y'],
    run(['op', 'z', 'multiply', 'w', 'y']),
    gradient('z', ['x', 'y', 'w']),
  ],
  'run again after use': [
    x,
    tape,
    run(watch, square),
    gradient('y', 'x'),
    run(['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'never run': [x, persistent, gradient('x', 'x'), watch, ['reset', 't'], ['stopRecording', 't', []], ['watched', 't']],
  're-entered': [x, tape, run(watch, run(), square), gradient('y', 'x')],
  'stopped twice': [tape, run(['stopRecording', 't', [['stopRecording', 't', []]]])],
  'stopped, reset outside': [x, tape, run(watch), ['reset', 't'], ['stopRecording', 't', []]],
  'a gradient inside ends the recording': [x, tape, run(watch, square, gradient('y', 'x'), watch)],
  'a gradient inside, while stopped, starts another': [
    x,
    tape,
    run(watch, square, ['stopRecording', 't', [gradient('y', 'x')]], watch, ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'higher orders inside one persistent tape': [
    x,
    persistent,
    run(
      watch,
      square,
      ['op', 'z', 'multiply', 'x', 'y'],
      ['gradient', 'a', 't', 'z', 'x', null, 'none'],
      ['gradient', 'b', 't', 'a.0', 'x', null, 'none'],
    ),
    ['gradient', 'c', 't', 'b.0', 'x', null, 'none'],
    ['gradient', 'd', 't', 'z', 'x', null, 'none'],
    ['gradient', 'e', 't', 'd.0', 'x', null, 'none'],
  ],
  'higher orders by nested tapes': [
    x,
    tape,
    ['tape', 'u', false, true],
    [
      'run',
      'u',
      [
        ['watch', 'u', 'x'],
        run(watch, square, ['op', 'z', 'multiply', 'x', 'y']),
        ['gradient', 'a', 't', 'z', 'x', null, 'none'],
      ],
    ],
    ['gradient', 'b', 'u', 'a.0', 'x', null, 'none'],
  ],
  'what another tape watches': [
    x,
    tape,
    ['tape', 'u', false, true],
    ['run', 'u', [['watch', 'u', 'x'], run(square), gradient('y', 'x')]],
    ['gradient', 'h', 'u', 'y', 'x', null, 'none'],
  ],
  reset: [
    x,
    tape,
    run(watch, square, ['reset', 't'], watch, ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'reset, not watched again': [
    x,
    tape,
    run(watch, square, ['reset', 't'], ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'rows of a table': [
    [
      'constant',
      'x',
      [
        [1, 2],
        [3, 4],
      ] as unknown as number[],
      'float64',
    ],
    tape,
    run(watch, ['op', 'y', 'repeatRow', 'x']),
    gradient('y', 'x'),
  ],
  'one of two outputs': [
    pair,
    persistent,
    run(watch, ['op', ['a', 'b'], 'halves', 'x'], ['op', 'z', 'multiply', 'a', 'b']),
    gradient('z', ['a', 'b', 'x']),
    gradient('b', ['a', 'b', 'x']),
  ],
  'one of two outputs, made before': [
    pair,
    ['op', ['a', 'b'], 'halves', 'x'],
    persistent,
    run(['watch', 't', 'a'], ['op', 'z', 'multiply', 'a', 'b'], ['op', 'w', 'square', 'b']),
    gradient('z', ['a', 'b', 'x']),
    gradient('w', ['a', 'b', 'x']),
  ],
  'variables that are read': [
    ['variable', 'v', 2, true],
    ['variable', 'w', 3, true],
    ['variable', 'u', 5, false],
    ['variable', 'n', 7, true],
    tape,
    run(['op', 'a', 'multiply', 'w', 'v'], ['op', 'y', 'multiply', 'a', 'u'], ['watched', 't']),
    gradient('y', ['v', 'w', 'u', 'n']),
    ['watched', 't'],
  ],
  'a variable read before, inside and by value()': [
    ['variable', 'v', 2, true],
    ['op', 'r', 'value', 'v'],
    persistent,
    run(
      ['op', 'y', 'multiply', 'r', 'r'],
      ['watched', 't'],
      ['op', 's', 'value', 'v'],
      ['op', 'z', 'multiply', 'r', 's'],
      ['watched', 't'],
    ),
    gradient('y', 'v'),
    gradient('z', 'v'),
  ],
  'variables that are watched by hand': [
    ['variable', 'v', 2, false],
    ['variable', 'w', 3, true],
    ['tape', 't', false, false],
    run(['watch', 't', 'v'], ['op', 'y', 'multiply', 'v', 'w']),
    gradient('y', ['v', 'w']),
    ['watched', 't'],
  ],
  'a variable as target': [
    ['variable', 'v', 2, true],
    ['variable', 'w', 3, true],
    persistent,
    run(['op', 'y', 'multiply', 'v', 'w']),
    gradient('v', 'v'),
    gradient(['v', 'y'], ['v', 'w']),
    gradient('v', ['y']),
    gradient('v', 'w'),
  ],
  'an assignment': [
    x,
    ['variable', 'v', 2, true],
    tape,
    run(watch, square, ['op', 'a', 'assign', 'v', 'y'], ['op', 'z', 'square', 'a']),
    gradient('z', ['v', 'x']),
    ['watched', 't'],
  ],
  'a variable in a branch': [
    ['variable', 'v', 2, true],
    k,
    tape,
    run(['cond', 'y', true, [['op', 'a', 'multiply', 'v', 'v']], 'a', [], 'k']),
    gradient('y', 'v'),
    ['watched', 't'],
  ],
  'a branch': [
    x,
    k,
    tape,
    run(watch, ['cond', 'y', false, [], 'k', [['op', 'a', 'square', 'x']], 'a'], ['op', 'z', 'multiply', 'x', 'y']),
    gradient('z', ['x', 'y']),
  ],
  'watched in a branch': [
    x,
    tape,
    run(['cond', 'y', true, [watch, ['op', 'a', 'square', 'x']], 'a', [], 'x']),
    gradient('y', 'x'),
  ],
};

const jacobians: typeof table = {};

const names = Object.keys({ ...table, ...jacobians });
const tabled = Object.values({ ...table, ...jacobians });
const count = Number(process.env.TAPELESS_FUZZ ?? 300);
const seeds = Array.from({ length: count }, (_, i) => i + Number(process.env.TAPELESS_FUZZ_SEED ?? 1));
const random = seeds.map(randomProgram);
let answers: readonly { readonly eager: readonly Said[]; readonly graph: readonly Said[] }[];

beforeAll(
  () => {
    answers = askTensorFlow([...tabled, ...random]);
  },
  60_000 + count * 1000,
);

describe('the table', () => {
  test.each(names.map((name, i) => [name, i] as const))('%s', (_, i) => {
    const { eager, graph } = answers[i]!;
    const ours = ask(tabled[i]!);
    expect(ours.length).toBeGreaterThan(0);
    expect(difference(ours, eager)).toBeNull();
    expect(difference(ours, graph)).toBeNull();
  });
});

test(`${count} random programs`, () => {
  let gradients = 0;
  for (const [i, program] of random.entries()) {
    const { graph } = answers[tabled.length + i]!;
    const ours = ask(program);
    const found = difference(ours, graph);
    if (found !== null) throw new Error(`seed ${seeds[i]}: ${found}\n${JSON.stringify(program)}`);
    gradients += ours.flatMap((said) => ('gradient' in said ? said.gradient.filter((g) => g !== null) : [])).length;
  }
  // Without gradients that are not null there would be nothing to compare.
  expect(gradients).toBeGreaterThan(count);
});
