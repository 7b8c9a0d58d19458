/** Prepared runs of a master's session, by the request they were prepared for: as many as are worth keeping. */
import type { Request } from '../../session/plan.js';

const callablesToKeep = 64;

export class Callables {
  /** Latest last. */
  readonly #handles = new Map<Request, Promise<bigint>>();
  readonly #make: (request: Request) => Promise<bigint>;
  readonly #release: (handle: bigint) => void;

  constructor(make: (request: Request) => Promise<bigint>, release: (handle: bigint) => void) {
    this.#make = make;
    this.#release = release;
  }

  /** The master's handle of `request`; those used longest ago are given back. */
  async handle(request: Request): Promise<bigint> {
    const handle = this.#handles.get(request) ?? this.#make(request);
    this.#handles.delete(request);
    this.#handles.set(request, handle);
    try {
      const found = await handle;
      if (this.#handles.size > callablesToKeep) await this.#drop(this.#handles.keys().next().value!);
      return found;
    } catch (error) {
      this.#handles.delete(request);
      throw error;
    }
  }

  async #drop(request: Request): Promise<void> {
    const handle = this.#handles.get(request);
    this.#handles.delete(request);
    if (handle !== undefined) this.#release(await handle);
  }
}
