/** What the specs of TensorFlow's tests of Jacobians by tapes share. */
import * as tl from '../../../src/index.js';

/** At once or in a loop. */
export interface Way {
  readonly usePfor?: boolean;
}

/** A tape that has watched `sources` while `build` ran, and what that returned. */
export function watched(
  sources: readonly (tl.Tensor | tl.Variable)[],
  build: () => tl.Tensor,
  options: tl.TapeOptions = { persistent: true },
): readonly [tl.GradientTape, tl.Tensor] {
  const tape = new tl.GradientTape(options);
  const y = tape.run(() => {
    tape.watch([...sources]);
    return build();
  });
  return [tape, y];
}
