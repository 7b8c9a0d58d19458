/** Which gradients a random program takes, with which options. */
import { isComplex, isTrainable } from '../../../src/graph/dtype.js';
import type { Chance } from './fuzz-chance.js';
import type { Item } from './fuzz-item.js';
import { isFlow, isLeaf, usedBy, type GradientsCall, type Program, type Ref, type Seed } from './fuzz-program.js';

type Options = GradientsCall['options'];

/** One to three calls; a later one may differentiate the results of an earlier one again. */
export function chooseCalls(
  chance: Chance,
  program: Program,
  items: readonly Item[],
  placed: boolean,
): readonly GradientsCall[] {
  const chooser = new Chooser(chance, program, items, placed);
  const calls: GradientsCall[] = [chooser.first()];
  if (chance.oneIn(4)) calls.push(chooser.first());
  if (chance.oneIn(3)) calls.push(chooser.again(calls, chance.below(calls.length)));
  return calls;
}

class Chooser {
  readonly #chance: Chance;
  readonly #program: Program;
  readonly #items: readonly Item[];
  readonly #placed: boolean;
  /** Of each step, the steps it depends on. */
  readonly #ancestors: readonly ReadonlySet<number>[];

  constructor(chance: Chance, program: Program, items: readonly Item[], placed: boolean) {
    this.#chance = chance;
    this.#program = program;
    this.#items = items;
    this.#placed = placed;
    const ancestors: Set<number>[] = [];
    for (const [number, step] of program.steps.entries())
      ancestors.push(new Set(usedBy(step, number).flatMap(([i]) => [i, ...ancestors[i]!])));
    this.#ancestors = ancestors;
  }

  first(): GradientsCall {
    const ys = this.#several(this.#late(), 4);
    const xs = this.#xs();
    const gradYs =
      this.#chance.oneIn(2) || ys.some(({ tensor }) => isComplex(tensor.dtype))
        ? ys.map((y) => this.#gradY(y))
        : undefined;
    return {
      ys: ys.map(({ ref }) => ref),
      xs,
      ...(gradYs && { gradYs }),
      ...(this.#chance.oneIn(5) && { stops: this.#several(this.#items, 3).map(({ ref }) => ref) }),
      options: this.#options(),
      ...this.#around(),
    };
  }

  /** The gradients of results. Complex ones would need gradYs of their shapes. */
  again(calls: readonly GradientsCall[], of: number): GradientsCall {
    const { xs } = calls[of]!;
    return { ys: [], xs, of, options: this.#options(), ...this.#around() };
  }

  /** Mostly what comes last: it depends on most. */
  #late(): readonly Item[] {
    const trainable = this.#items.filter(({ tensor }) => isTrainable(tensor.dtype));
    const from = this.#chance.oneIn(3) ? 0 : Math.max(0, trainable.length - 5);
    return this.#chance.oneIn(30) ? this.#items : trainable.slice(from);
  }

  #several(items: readonly Item[], most: number): Item[] {
    const one = () => this.#chance.of(items);
    const chosen = Array.from({ length: this.#chance.oneIn(2) ? 1 : 1 + this.#chance.below(most) }, one);
    // Some come twice.
    return this.#chance.oneIn(8) ? [...chosen, this.#chance.of(chosen)] : chosen;
  }

  #xs(): readonly Ref[] {
    const leaves = this.#program.steps.flatMap((step, i): Ref[] => {
      if (!isLeaf(step) || (!isTrainable(step.value.dtype) && !this.#chance.oneIn(10))) return [];
      return [[i, step.kind === 'variable' && this.#chance.oneIn(2) ? -1 : 0]];
    });
    const chosen = leaves.filter(() => !this.#chance.oneIn(3));
    const inner = this.#chance.oneIn(3) ? this.#several(this.#items, 3).map(({ ref }) => ref) : [];
    const xs = [...chosen, ...inner];
    if (this.#chance.oneIn(8) && xs.length > 0) xs.push(this.#chance.of(xs));
    const allowed = xs.filter((x) => this.#isDefinite(x, xs));
    return allowed.length > 0 ? allowed : leaves.slice(0, 1);
  }

  /**
   * Whether the gradient of `x` does not hang on what else is asked. That of one output of several does in TensorFlow where
   * another x lies behind them.
   */
  #isDefinite([step]: Ref, xs: readonly Ref[]): boolean {
    // Each result of a step with bodies is an operation of its own.
    if (isFlow(this.#program.steps[step]!)) return true;
    const outputs = this.#items.filter(({ ref }) => ref[0] === step).length;
    return outputs <= 1 || !xs.some(([other]) => this.#ancestors[step]!.has(other));
  }

  #gradY({ tensor, value }: Item): Seed | null {
    const { dtype } = tensor;
    if (!isComplex(dtype) && (!isTrainable(dtype) || this.#chance.oneIn(4))) return null;
    const seed = this.#chance.data(dtype, value.shape);
    const sparse = this.#chance.oneIn(8) && value.shape.length > 0 && value.shape[0]! > 0 && !isComplex(dtype);
    if (!sparse) return { kind: this.#chance.of(['fed', 'constant', 'data']), value: seed };
    const rows =
      value.shape.length > 0 ? this.#chance.data('int32', [value.shape[0]!], [0, value.shape[0]! - 1]).data : [];
    return { kind: 'slices', value: seed, rows, dense: !this.#chance.oneIn(4) };
  }

  #options(): Options {
    return {
      ...(this.#chance.oneIn(2) && {
        aggregationMethod: this.#chance.of(['addN', 'experimentalTree', 'experimentalAccumulateN']),
      }),
      ...(this.#chance.oneIn(3) && { gateGradients: true }),
      ...(this.#chance.oneIn(3) && { colocateGradientsWithOps: true }),
      ...(this.#chance.oneIn(4) && { unconnectedGradients: this.#chance.of(['none', 'zero']) }),
      ...(this.#chance.oneIn(6) && { name: this.#chance.of(['backward', 'x', 'a/gradients']) }),
    };
  }

  #around(): Pick<GradientsCall, 'scope' | 'device' | 'controls' | 'colocate'> {
    const step = () => this.#chance.below(this.#program.steps.length);
    return {
      ...(this.#chance.oneIn(6) && { scope: this.#chance.of(['g', 'a']) }),
      ...(this.#placed && this.#chance.oneIn(4) && { device: this.#chance.of(['/device:CPU:1', '/job:localhost']) }),
      ...(this.#placed && this.#chance.oneIn(4) && { controls: [step()] }),
      ...(this.#placed && this.#chance.oneIn(8) && { colocate: step() }),
    };
  }
}
