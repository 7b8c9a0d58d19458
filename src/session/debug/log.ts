/** What a session tells about its plans when TAPELESS_DEBUG or TAPELESS_DUMP asks. */
import type { Observe, StageInfo } from '../chain.js';
import type { Request } from '../plan.js';
import type { RunMetadata } from '../run-metadata.js';
import { Dump, milliseconds, say } from './output.js';
import { debugSettings } from './settings.js';
import { timesText } from './times.js';

/** Plans of the process that were compiled so far. */
let compiled = 0;

interface Text {
  readonly stage: StageInfo;
  readonly text: string;
}

export class SessionLog {
  readonly #level: number;
  readonly #dump: Dump | null;
  readonly #keys = new Set<string>();
  readonly #asked = new Set<string>();

  private constructor(level: number, dump: Dump | null) {
    this.#level = level;
    this.#dump = dump;
  }

  /** Null where nothing is asked for. @throws InvalidArgumentError */
  static open(): SessionLog | null {
    const settings = debugSettings();
    return settings && new SessionLog(settings.level, settings.dump === null ? null : new Dump(settings.dump));
  }

  get times(): boolean {
    return this.#level >= 2;
  }

  say(text: string, level = 1): void {
    if (this.#level >= level) say(text);
  }

  dump(folder: string, name: string, data: string | Uint8Array): void {
    this.#dump?.write(folder, name, data);
  }

  /** A plan that was not there. `asked` says for what, `fed` which tensors it is given. */
  plan(request: Request, asked: string, fed: string): PlanLog {
    const key = `${asked}|${fed}`;
    const why = this.#keys.has(key) ? 'evicted before' : this.#asked.has(asked) ? 'new feeds' : 'new fetches';
    this.#keys.add(key);
    this.#asked.add(asked);
    return new PlanLog(this, request, why);
  }

  body(request: Request): PlanLog {
    return new PlanLog(this, request, 'a function body');
  }

  /** Stages of which somebody wants the text. */
  wants({ level = Infinity }: StageInfo): boolean {
    return this.#dump !== null || level <= this.#level;
  }
}

/** What is told of one plan, which is compiled for every set of shapes of its feeds. */
export class PlanLog {
  readonly session: SessionLog;
  readonly what: string;
  readonly #request: Request;
  readonly #texts: Text[] = [];
  readonly #start = performance.now();
  readonly #shapes = new Set<string>();
  readonly #why: string;

  constructor(session: SessionLog, request: Request, why: string) {
    this.session = session;
    this.#request = request;
    this.#why = why;
    const names = [...request.fetches, ...request.targets].map(({ name }) => name);
    this.what = `${names.slice(0, 3).join(', ') || 'nothing'}${names.length > 3 ? ', …' : ''}`;
  }

  /** Sees stages that are the same for all shapes. */
  readonly observe: Observe = (stage, show) => {
    if (this.session.wants(stage)) this.#texts.push({ stage, text: show() });
  };

  /** A compilation begins, for feeds of certain shapes. */
  compiling(shapes: readonly (readonly number[] | null)[]): CompileLog {
    const fed = shapes.map((shape) => (shape ? `[${shape.join(', ')}]` : '?')).join(' ');
    const again = this.#shapes.has(fed) ? 'evicted before' : 'new shapes of feeds';
    const isFirst = this.#shapes.size === 0;
    this.#shapes.add(fed);
    const names = this.#request.feeds.map(({ tensor }, i) => {
      const shape = shapes[i];
      return `${tensor.name}${shape ? `[${shape.join(', ')}]` : ''}`;
    });
    const what = `${this.what}${names.length > 0 ? ` of ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}` : ''}`;
    return new CompileLog(
      this,
      what,
      isFirst ? this.#why : again,
      isFirst ? this.#start : performance.now(),
      this.#texts,
    );
  }

  /** A run that was timed is over. */
  ran(trace: RunMetadata): void {
    this.session.say(`${this.what} ran for ${milliseconds(trace.durationMs)}${timesText(trace)}`, 2);
  }
}

/** What is told of one compilation. */
export class CompileLog {
  readonly #plan: PlanLog;
  readonly #what: string;
  readonly #why: string;
  readonly #start: number;
  readonly #texts: Text[];
  /** What showing took. */
  #aside = 0;

  constructor(plan: PlanLog, what: string, why: string, start: number, texts: readonly Text[]) {
    this.#plan = plan;
    this.#what = what;
    this.#why = why;
    this.#start = start;
    this.#texts = [...texts];
  }

  readonly observe: Observe = (stage, show) => {
    const start = performance.now();
    if (this.#plan.session.wants(stage)) this.#texts.push({ stage, text: show() });
    this.#aside += performance.now() - start;
  };

  /** `size`: how large the outcome is, in words. */
  done(size: string, module: Uint8Array | null): void {
    const { session } = this.#plan;
    const ms = performance.now() - this.#start - this.#aside;
    const number = ++compiled;
    session.say(`plan ${number}: ${this.#what}: ${size}; compiled in ${milliseconds(ms)} (${this.#why})`);
    const folder = `${String(number).padStart(3, '0')}-${this.#what.replace(/[^\w.-]+/g, '_').slice(0, 60)}`;
    this.#texts.forEach(({ stage, text }, i) => {
      const { name, extension = 'txt', level } = stage;
      if (level !== undefined) session.say(`plan ${number}, ${name}:\n${text}`, level);
      session.dump(folder, `${i + 1}-${name}.${extension}`, text);
    });
    const last = this.#texts.at(-1);
    if (module && last) session.dump(folder, `${this.#texts.length}-${last.stage.name}.wasm`, module);
  }
}
