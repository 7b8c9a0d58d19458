/** What an operation without a gradient says: what it is, where it was made, and the way on which gradient came to it. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

describe('a gradient that is missing says how gradient came to the operation', () => {
  /** `build` makes y from x through an operation that has no gradient, and gives the error. */
  function refusal(build: (x: tl.Tensor) => tl.Tensor): tl.LookupError {
    return inGraph((g) => {
      const x = tl.placeholder('float32', [3], { name: 'x' });
      const y = build(x);
      const before = g.state;
      const errors = [() => tl.gradients(y, x), () => tl.explainGradient(y, x)].map((call) => {
        try {
          call();
        } catch (error) {
          return error as tl.LookupError;
        }
        throw new Error('There was no error.');
      });
      expect(errors[0]).toBeInstanceOf(tl.LookupError);
      expect(errors[1]!.message).toBe(errors[0]!.message);
      expect(g.state).toBe(before);
      return errors[0]!;
    });
  }
  const override = (x: tl.Tensor) => tl.gradientOverrideMap({ Tanh: 'NotThere' }, () => tl.tanh(x, { name: 'odd' }));

  test('an override that nobody registered', () => {
    const error = refusal((x) => tl.reduceSum(tl.square(override(tl.exp(x)))));
    expect(error.message).toMatch(
      /^There is no gradient named 'NotThere', .*'odd' \(Tanh\), created at .*missing-gradient\.spec\.ts:\d+\. .* Gradient came to it by Sum → Square → odd\.$/,
    );
    expect([error.op, error.nodeName, error.createdAt]).toEqual([
      'Tanh',
      'odd',
      expect.stringContaining('missing-gradient.spec.ts'),
    ]);
  });

  test('an op that nobody here knows', () => {
    const error = refusal((x) => {
      const { graph } = x;
      const made = graph.add({
        name: graph.takeName('foreign'),
        type: 'SomebodyElsesOp',
        inputs: [x],
        controlInputs: [],
        attrs: {},
        outputDTypes: ['float32'],
        infer: () => [[3]],
      });
      return tl.exp(made.outputs[0]!);
    });
    expect(error.message).toMatch(
      /^Operation 'foreign', created at .*, is of an op that has no gradient here: 'SomebodyElsesOp'\. Call registerGradient\('SomebodyElsesOp', …\) .* Gradient came to it by Exp → foreign\.$/,
    );
  });

  test('a rule that refuses', () => {
    const error = refusal((x) => tl.exp(tl.preventGradient(x, 'the table is fixed')));
    expect(error.message).toBe(
      'Gradient explicitly disabled. Reason: the table is fixed. Gradient came to it by Exp → PreventGradient.',
    );
  });

  test('only such operations as pass gradient on are on the way, and a long way is shortened', () => {
    const error = refusal((x) => {
      const odd = override(x);
      let y = odd;
      for (let i = 0; i < 20; i++) y = tl.exp(y);
      return tl.add(tl.sin(tl.sin(tl.floor(odd))), y, { name: 'y' });
    });
    expect(error.message).toContain(
      'by y → Exp_19 → Exp_18 → Exp_17 → Exp_16 → … 12 more … → Exp_3 → Exp_2 → Exp_1 → Exp → odd.',
    );
  });

  test('inside a branch: the way in the branch', () => {
    const error = refusal((x) => tl.cond(tl.constant(true), () => tl.exp(override(x)), () => tl.sin(x))); // prettier-ignore
    expect(error.message).toMatch(
      /Gradient came to it by Exp → odd\. All this is inside 'cond', to which it came by cond\/Identity → cond\.$/,
    );
    expect(error.nodeName).toBe('odd');
  });
});
