/** The gradient checks as Jest matchers. Nothing of Jest is needed to import this. */
import { checkGradients, type CheckGradientsOptions } from './check-gradients.js';
import type { Checkable } from './operands.js';
import { GradientCheckError } from './report.js';

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * For `expect.extend`: `toHaveCorrectGradients(xs, options)` is `checkGradients(received, xs, options)`.
 * @example
 * const x = constant([1, 2]);
 * const { pass } = await gradientMatchers.toHaveCorrectGradients(square(x), [x]);
 * pass; // true
 * // expect.extend(gradientMatchers); await expect(loss).toHaveCorrectGradients([w, b], { feeds, order: 2 });
 */
export const gradientMatchers = {
  async toHaveCorrectGradients(
    received: unknown,
    xs: readonly Checkable[] | Checkable,
    options?: CheckGradientsOptions,
  ): Promise<MatcherResult> {
    try {
      const { maxError, order } = await checkGradients(received as Checkable, xs, options);
      const message = `The gradients agree with finite differences up to order ${order}; the largest relative error is ${maxError}.`;
      return { pass: true, message: () => message };
    } catch (error) {
      if (!(error instanceof GradientCheckError)) throw error;
      return { pass: false, message: () => error.message };
    }
  },
};

/** The matchers, for the types of an `expect` that has been extended by them. */
export interface GradientMatchers {
  /** `checkGradients` of the value with respect to `xs`. To be awaited. */
  toHaveCorrectGradients(xs: readonly Checkable[] | Checkable, options?: CheckGradientsOptions): Promise<void>;
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the types of Jest's global `expect` live in one
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
    interface Matchers<R, T> extends GradientMatchers {}
  }
}

// Users without Jest do not have this module; for those of '@jest/globals' it is where its matchers are declared.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore */
declare module 'expect' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
  interface Matchers<R extends void | Promise<void>, T> extends GradientMatchers {}
}
