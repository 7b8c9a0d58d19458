/** Where operations of function bodies were created: at the user's lines that build the body. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

/** The line of the caller, in this file. */
function here(): number {
  const frame = (new Error().stack ?? '').split('\n').find((line, i) => i > 1 && line.includes('control-flow.sites'));
  return Number(/:(\d+):\d+\)?$/.exec(frame!)![1]);
}
const lineOf = ({ op }: tl.Tensor): number => Number(op.createdAt.split(':').at(-1));

/** A tensor and the line it was made in. */
type Made = readonly [tl.Tensor, number];
const int = (value: number) => tl.constant(value, { dtype: 'int32' });

describe('operations in bodies were created where the user says so', () => {
  const bodies: readonly (readonly [string, (x: tl.Tensor, note: (...made: Made) => tl.Tensor) => unknown])[] = [
    [
      'whileLoop',
      (x, note) =>
        tl.whileLoop(
          (i) => note(i.less(3), here()),
          (i, a) => {
            const next = note(a.multiply(2), here());
            return [i.add(1), next];
          },
          [int(0), x],
        ),
    ],
    [
      'cond',
      (x, note) =>
        tl.cond(
          x.reduceSum().greater(0),
          () => note(x.multiply(2), here()),
          () => {
            const other = note(x.negative(), here());
            return other;
          },
        ),
    ],
    [
      'switchCase',
      (x, note) =>
        tl.switchCase(int(0), [
          () => x,
          () => {
            const made = note(x.exp(), here());
            return made;
          },
        ]),
    ],
    [
      'mapFn',
      (x, note) =>
        tl.mapFn((row: tl.Tensor) => {
          const made = note(row.multiply(2), here());
          return made;
        }, x),
    ],
    [
      'scan',
      (x, note) =>
        tl.scan((a: tl.Tensor, row: tl.Tensor) => {
          const made = note(a.multiply(row), here());
          return made;
        }, x),
    ],
    [
      'foldl',
      (x, note) =>
        tl.foldl((a: tl.Tensor, row: tl.Tensor) => {
          const made = note(a.multiply(row), here());
          return made;
        }, x),
    ],
    [
      'foldr',
      (x, note) =>
        tl.foldr((a: tl.Tensor, row: tl.Tensor) => {
          const made = note(a.multiply(row), here());
          return made;
        }, x),
    ],
    [
      'function',
      (x, note) =>
        tl.function((a: tl.Tensor) => {
          const made = note(a.multiply(2), here());
          return made;
        })(x),
    ],
    [
      'vectorizedMap',
      (x, note) =>
        tl.vectorizedMap((row: tl.Tensor) => {
          const made = note(row.multiply(2), here());
          return made;
        }, x),
    ],
    [
      'one in another',
      (x, note) =>
        tl.mapFn((row: tl.Tensor) => {
          const outer = note(row.multiply(2), here());
          return tl.cond(
            outer.greater(0),
            () => note(outer.exp(), here()),
            () => outer,
          );
        }, x),
    ],
  ];

  test.each(bodies)('%s', (_, build) => {
    new tl.Graph().asDefault(() => {
      const made: Made[] = [];
      build(tl.constant([1, 2]), (...each) => {
        made.push(each);
        return each[0];
      });
      expect(made.length).toBeGreaterThan(0);
      expect(made.map(([tensor]) => lineOf(tensor))).toEqual(made.map(([, line]) => line));
    });
  });

  test('so an error names the line in the body, not that of the loop', () => {
    new tl.Graph().asDefault(() => {
      const x = tl.constant(1);
      let line = 0;
      const [, y] = tl.whileLoop(
        (i) => i.less(3),
        (i, a) => {
          line = here() + 1;
          const stopped = tl.preventGradient(a, 'not here');
          return [i.add(1), stopped];
        },
        [int(0), x],
      );
      let createdAt: string | undefined;
      try {
        tl.gradients(y, x);
      } catch (error) {
        ({ createdAt } = error as tl.LookupError);
      }
      expect(Number(createdAt?.split(':').at(-1))).toBe(line);
    });
  });
});
