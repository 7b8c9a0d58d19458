/** Gradient tapes: what goes beyond TensorFlow's own tests, and what is refused. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

const valueOf = (t: tl.Tensor | tl.IndexedSlices | null): unknown => {
  if (t === null) return null;
  const session = new tl.Session({ graph: t.graph });
  session.runSync(t.graph.asDefault(() => tl.globalVariablesInitializer()));
  return session.runSync(tl.convertToTensor(t)).toArray();
};

/** A tape that has recorded `build` from the watched `x`. */
function recorded<T>(
  x: tl.Tensor,
  build: (tape: tl.GradientTape) => T,
  options: tl.TapeOptions = {},
): [tl.GradientTape, T] {
  const tape = new tl.GradientTape(options);
  const result = tape.run(() => {
    tape.watch(x);
    return build(tape);
  });
  return [tape, result];
}

describe('what is recorded', () => {
  test('the gradient is that of `gradients`, appended below one scope', () => {
    inGraph((g) => {
      const x = tl.constant(3);
      const [tape, y] = recorded(x, () => tl.tanh(x));
      const before = g.version;
      const dx = tape.gradient(y, x) as tl.Tensor;
      const made = g.operations().slice(before);
      expect(made.map(({ type }) => type)).toEqual(['Const', 'Const', 'Fill', 'TanhGrad']);
      expect(made.filter(({ name }) => !name.startsWith('gradient_tape/'))).toEqual([]);
      expect(dx.op.forwardOp).toBe(y.op);
    });
  });

  test('an operation that is not recorded is not differentiated: its rule is never called', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const [tape, y] = recorded(x, (tape) => tape.stopRecording(() => tl.preventGradient(x, 'never')).multiply(x));
      expect(valueOf(tape.gradient(y, x))).toBe(3);
    });
  });

  test('a partial derivative with respect to what was not watched is no gradient', () => {
    inGraph(() => {
      const [x, k] = [tl.constant(3), tl.constant(5)];
      const [tape, z] = recorded(x, () => x.multiply(k), { persistent: true });
      expect(tape.gradient(z, k)).toBeNull();
      // As a target it is its own gradient, and nothing else: TensorFlow gives null here.
      expect(valueOf(tape.gradient([k, z], k))).toBe(1);
      expect(tape.gradient([z, k], [x, k]).map(valueOf)).toEqual([5, 1]);
    });
  });

  test('watching while nothing records holds for the next run', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const tape = new tl.GradientTape();
      tape.run(() => undefined);
      tape.watch(x);
      const y = tape.run(() => x.multiply(x));
      expect(valueOf(tape.gradient(y, x))).toBe(6);
    });
  });

  test('operations of any graph, whatever the default one is', () => {
    const [a, b] = [new tl.Graph(), new tl.Graph()];
    const [x, y] = [a.asDefault(() => tl.constant(2)), b.asDefault(() => tl.constant(3))];
    const tape = new tl.GradientTape({ persistent: true });
    const [xx, yy] = tape.run(() => {
      tape.watch([x, y]);
      return [x.multiply(x), y.multiply(y)] as const;
    });
    expect(valueOf(tape.gradient(xx, x))).toBe(4);
    expect(valueOf(tape.gradient(yy, y))).toBe(6);
    expect(() => tape.gradient(xx, y)).toThrow(/GradientTape.gradient: .* belong to different graphs/);
  });

  test('what takes the place of operations that were rolled back is not recorded', () => {
    inGraph((g) => {
      const x = tl.constant(3);
      const tape = new tl.GradientTape();
      const failing = (): void => {
        tape.run(() => {
          tape.watch(x);
          x.multiply(7);
        });
        throw new Error('back');
      };
      expect(() => g.transact(failing)).toThrow('back');
      const y = x.multiply(x);
      const z = tape.run(() => y.multiply(x));
      expect(valueOf(tape.gradient(z, x))).toBe(9);
    });
  });

  test('gradients of a tape are recorded by others, and by itself while it records', () => {
    inGraph(() => {
      const x = tl.constant(2);
      const [outer, first] = recorded(x, () => tl.gradients(x.pow(3), x)[0] as tl.Tensor);
      expect(valueOf(outer.gradient(first, x))).toBe(12);
    });
  });

  test('sparse reads and branches watch variables; making, initializing and asking do not', () => {
    inGraph(() => {
      const [a, b, c] = [tl.variable([1, 2]), tl.variable(3), tl.variable(4)];
      const tape = new tl.GradientTape();
      tape.run(() => {
        tl.variable(() => c.multiply(2));
        c.isInitialized();
        expect(tape.watchedVariables()).toEqual([]);
        tl.cond(tl.constant(true), () => b.multiply(2), () => tl.constant(0)); // prettier-ignore
        a.sparseRead([0]);
      });
      expect(tape.watchedVariables()).toEqual([a, b]);
    });
  });

  test('the bodies of branches and loops are differentiated whole', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const [tape, y] = recorded(
        x,
        (tape) =>
        tl.cond(tl.constant(true), () => tape.stopRecording(() => x.multiply(x)).multiply(x), () => x) as tl.Tensor, // prettier-ignore
      );
      expect(valueOf(tape.gradient(y, x))).toBe(27);
    });
  });

  test('inside a branch: what was recorded around it counts', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const tape = new tl.GradientTape();
      const dz = tape.run(() => {
        tape.watch(x);
        const y = x.multiply(x);
        const unrecorded = tape.stopRecording(() => x.multiply(10));
        return tl.cond(tl.constant(true), () => tape.gradient(y.multiply(x).add(unrecorded), x) as tl.Tensor, () => x); // prettier-ignore
      });
      expect(valueOf(dz as tl.Tensor)).toBe(27);
    });
  });

  test('a long chain', () => {
    inGraph(() => {
      const x = tl.constant(1, { dtype: 'float64' });
      const [tape, y] = recorded(x as tl.Tensor, () => {
        let y = x as tl.Tensor;
        for (let i = 0; i < 20_000; i++) y = tl.negative(y);
        return y;
      });
      expect(tape.gradient(y, x)).not.toBeNull();
    });
  });
});

describe('targets, sources and output gradients', () => {
  test('complex targets start from ones', () => {
    inGraph(() => {
      const z = tl.constant({ re: 1, im: 2 }, { dtype: 'complex128' }) as tl.Tensor;
      const [tape, w] = recorded(z, () => z.multiply(z));
      // TensorFlow's convention: the conjugate of the derivative.
      expect(valueOf(tape.gradient(w, z))).toEqual({ re: 2, im: -4 });
    });
  });

  test('slices as targets and sources', () => {
    inGraph(() => {
      const at = tl.constant([2, 0], { dtype: 'int32' });
      const shape = tl.constant([3, 1], { dtype: 'int32' });
      const x = new tl.IndexedSlices(tl.constant([[2], [3]]), at, shape); // prettier-ignore
      const tape = new tl.GradientTape({ persistent: true });
      const y = tape.run(() => {
        tape.watch(x);
        return new tl.IndexedSlices(x.values.multiply(x.values), at, shape);
      });
      const dx = tape.gradient({ y }, [x])[0] as tl.IndexedSlices;
      expect(dx).toBeInstanceOf(tl.IndexedSlices);
      expect([dx.indices, valueOf(dx.values)]).toEqual([at, [[4], [6]]]);
      const other = new tl.IndexedSlices(tl.constant([[1]]), tl.constant([0], { dtype: 'int32' }), shape);
      expect(tape.gradient(y, other)).toBeNull();
      const zeros = tape.gradient(y, other, { unconnectedGradients: 'zero' }) as tl.IndexedSlices;
      expect(valueOf(zeros)).toEqual([[0], [0], [0]]);
    });
  });

  test('output gradients in the structure of the targets, flat, bare, or null', () => {
    inGraph(() => {
      const x = tl.constant([1, 2]);
      const [tape, { y, z }] = recorded(x, () => ({ y: x.multiply(x), z: x.multiply(3) }), { persistent: true });
      const dx = (target: never, outputGradients: Required<tl.TapeGradientOptions>['outputGradients']): unknown =>
        valueOf(tape.gradient(target, x, { outputGradients }));
      const u = tl.constant([10, 100]);
      expect(dx({ a: y, b: [z] } as never, { b: [u], a: [1, 1] })).toEqual([32, 304]);
      expect(dx({ a: y, b: [z] } as never, [[1, 1], u])).toEqual([32, 304]); // prettier-ignore
      expect(dx([y, z] as never, [null, u])).toEqual([32, 304]);
      expect(dx([y, z] as never, null)).toEqual([5, 7]);
      for (const given of [u, [u], [10, 100], [[10, 100]]]) expect(dx(y as never, given)).toEqual([20, 400]); // prettier-ignore
    });
  });

  test('integers may be watched, and stay without gradient', () => {
    inGraph(() => {
      const k = tl.constant([1, 2], { dtype: 'int32' });
      const [tape, y] = recorded(k as tl.Tensor, () => tl.cast(k, 'float32').multiply(2), { persistent: true });
      expect(tape.gradient(y, k)).toBeNull();
      expect((tape.gradient(y, k, { unconnectedGradients: 'zero' }) as tl.Tensor).dtype).toBe('int32');
    });
  });
});

describe('what is refused', () => {
  interface Given {
    readonly x: tl.Tensor;
    readonly y: tl.Tensor;
    readonly wide: tl.Tensor;
    readonly tape: tl.GradientTape;
  }
  const fresh = (): tl.GradientTape => new tl.GradientTape();
  const gradientOf = ({ tape, x, y }: Given, outputGradients: unknown): unknown =>
    tape.gradient([y, y], x, { outputGradients } as tl.TapeGradientOptions);
  const cases: Readonly<Record<string, [(given: Given) => unknown, string, RegExp]>> = {
    'an option that is none': [
      () => new tl.GradientTape({ persist: true } as object),
      'INVALID_ARGUMENT',
      /no option 'persist'/,
    ],
    'an option that is no boolean': [
      () => new tl.GradientTape({ persistent: 1 as unknown as boolean }),
      'INVALID_ARGUMENT',
      /'persistent' must be true or false/,
    ],
    'watching before run': [({ x }) => fresh().watch(x), 'FAILED_PRECONDITION', /watch inside run/],
    'watching a number': [({ tape }) => tape.watch([3 as never]), 'INVALID_ARGUMENT', /it holds the number 3/],
    'watching undefined': [({ tape }) => tape.watch(undefined as never), 'INVALID_ARGUMENT', /it holds undefined/],
    'a gradient before run': [({ x }) => fresh().gradient(x, x), 'FAILED_PRECONDITION', /has recorded nothing/],
    'reset outside run': [({ tape }) => tape.reset(), 'FAILED_PRECONDITION', /reset: the tape is not recording/],
    'stopRecording outside run': [
      ({ tape }) => tape.stopRecording(() => 1),
      'FAILED_PRECONDITION',
      /stopRecording: the tape is not recording/,
    ],
    'an asynchronous function': [
      ({ tape }) => tape.run(async () => await Promise.resolve(1)),
      'INVALID_ARGUMENT',
      /run takes a synchronous function/,
    ],
    'a function that returns a promise': [
      ({ tape }) => tape.run(() => Promise.resolve(1)),
      'INVALID_ARGUMENT',
      /run takes a synchronous function/,
    ],
    'no function': [({ tape }) => tape.run(3 as never), 'INVALID_ARGUMENT', /run takes a function/],
    'no target': [
      ({ tape, x }) => tape.gradient(null as never, x),
      'INVALID_ARGUMENT',
      /target must be .* it holds null/,
    ],
    'a source that is a number': [
      ({ tape, y }) => tape.gradient(y, [1 as never]),
      'INVALID_ARGUMENT',
      /sources must be .* it holds the number 1/,
    ],
    'too few output gradients': [
      (given) => gradientOf(given, [given.y]),
      'INVALID_ARGUMENT',
      /outputGradients must have 2 entries/,
    ],
    'too many': [(given) => gradientOf(given, [1, 2, 3]), 'INVALID_ARGUMENT', /outputGradients must have 2 entries/],
    'one of another shape': [
      (given) => gradientOf(given, [null, 1]),
      'SHAPE',
      /GradientTape.gradient: outputGradients\[1\] has shape \[\]/,
    ],
    'one of another dtype': [
      (given) => gradientOf(given, [given.wide, null]),
      'DTYPE',
      /outputGradients\[0\] is float64/,
    ],
    'an op that forbids gradients': [
      ({ tape, x }) =>
        tape.gradient(
          tape.run(() => tl.preventGradient(x, 'no')),
          x,
        ),
      'LOOKUP',
      /explicitly disabled/,
    ],
  };
  test.each(Object.entries(cases))('%s', (name, [call, code, message]) => {
    inGraph((g) => {
      const x = tl.constant([1, 2]);
      const [tape, y] = recorded(x, () => x.multiply(x));
      const given: Given = { x, y, tape, wide: tl.cast(x, 'float64') };
      const before = g.version;
      const error = (() => {
        try {
          call(given);
          return null;
        } catch (caught) {
          return caught as tl.TapelessError;
        }
      })();
      expect(error?.message).toMatch(message);
      expect(error?.code).toBe(code);
      expect(g.version).toBe(before + (name === 'an op that forbids gradients' ? 1 : 0));
      // The tape is neither used up nor left recording.
      expect(valueOf(tape.gradient(y, x))).toEqual([2, 4]);
    });
  });

  test('a failure inside leaves the graph the same and the tape recording', () => {
    inGraph((g) => {
      const x = tl.constant(3);
      const tape = fresh();
      const z = tape.run(() => {
        tape.watch(x);
        const dead = tl.preventGradient(x, 'no');
        const before = g.state;
        expect(() => tape.gradient(dead, x)).toThrow('disabled');
        expect(g.state).toBe(before);
        return x.multiply(x);
      });
      expect(valueOf(tape.gradient(z, x))).toBe(6);
    });
  });

  test('what run and stopRecording run may throw', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const tape = fresh();
      const fail = (): never => {
        throw new Error('mine');
      };
      expect(() => tape.run(() => { tape.watch(x); tape.stopRecording(fail); })).toThrow('mine'); // prettier-ignore
      expect(() => tape.reset()).toThrow('not recording');
      const y = tape.run(() => x.multiply(x));
      expect(valueOf(tape.gradient(y, x))).toBe(6);
    });
  });
});
