/** Stages that turn one kind of thing into another, as a list that is read from top to bottom. */

/** What a stage is called, and how its outcome is told. */
export interface StageInfo {
  readonly name: string;
  /** What the text of the outcome is, as the end of a file's name; 'txt' by default. */
  readonly extension?: string;
  /** From which TAPELESS_DEBUG on the text is printed; never by default. */
  readonly level?: number;
}

/** One named step from one form of a program to the next. `Needs`: what it has to know besides. */
export interface ChainStage<From, To, Needs> extends StageInfo {
  readonly run: (from: From, needs: Needs) => To;
  /** The outcome, for people to read. */
  readonly show: (to: To) => string;
}

/** Sees the outcome of every stage. */
export type Observe = (stage: StageInfo, show: () => string) => void;

type Run<From, To, Needs> = (from: From, needs: Needs, observe: Observe | undefined) => To;

export class Chain<From, To, Needs = unknown> {
  readonly names: readonly string[];
  readonly #run: Run<From, To, Needs>;

  private constructor(names: readonly string[], run: Run<From, To, Needs>) {
    this.names = names;
    this.#run = run;
  }

  run(from: From, needs: Needs, observe?: Observe): To {
    return this.#run(from, needs, observe);
  }

  static from<From>(): Chain<From, From> {
    return new Chain([], (from: From) => from);
  }

  then<Next, More = unknown>(stage: ChainStage<To, Next, More>): Chain<From, Next, Needs & More> {
    return new Chain([...this.names, stage.name], (from: From, needs: Needs & More, observe) => {
      const outcome = stage.run(this.#run(from, needs, observe), needs);
      observe?.(stage, () => stage.show(outcome));
      return outcome;
    });
  }
}
