/** Puts functions whose first parameter is a tensor on the prototypes of what stands for a tensor. */
import { InvalidArgumentError } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';

type Functions = Readonly<Record<string, (self: never, ...rest: never[]) => unknown>>;

const installed = new Map<string, PropertyDescriptor>();
const prototypes: object[] = [Tensor.prototype];

/**
 * Makes `f(x, ...rest)` callable as `x.f(...rest)` on every tensor, and on whatever `receivesMethods`.
 * @throws InvalidArgumentError for a name that a tensor already has
 */
export function installMethods(functions: Functions): void {
  for (const [name, f] of Object.entries(functions)) {
    if (name in Tensor.prototype) throw new InvalidArgumentError(`Tensors already have a member '${name}'.`);
    const method = function (this: unknown, ...rest: unknown[]): unknown {
      return (f as (...args: unknown[]) => unknown)(this, ...rest);
    };
    Object.defineProperty(method, 'name', { value: name });
    installed.set(name, { value: method, writable: true, configurable: true, enumerable: false });
    for (const prototype of prototypes) install(prototype, name);
  }
}

/** Gives a class of things that convert to tensors (variables) the methods of tensors; its own members stay. */
export function receivesMethods(constructor: { readonly prototype: object }): void {
  prototypes.push(constructor.prototype);
  for (const name of installed.keys()) install(constructor.prototype, name);
}

function install(prototype: object, name: string): void {
  if (!(name in prototype)) Object.defineProperty(prototype, name, installed.get(name)!);
}
