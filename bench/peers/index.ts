/** The libraries that are called from JavaScript; each is opened in a process of its own. */
import type { Peer } from '../types.js';
import { openJaxJs } from './jax-js.js';
import { openOrtNode, openOrtWeb } from './onnxruntime.js';
import { tapeless } from './tapeless.js';
import { openTfjs } from './tfjs.js';

export interface ScriptPeer {
  readonly name: string;
  readonly kind: Peer['kind'];
  open(): Promise<Peer>;
}

export const scriptPeers: readonly ScriptPeer[] = [
  { name: 'tapeless', kind: 'wasm', open: async () => tapeless('tapeless', {}) },
  { name: 'one thread', kind: 'own', open: async () => tapeless('one thread', { threads: 1 }) },
  { name: 'interpreted', kind: 'own', open: async () => tapeless('interpreted', { backend: 'interpret' }) },
  { name: 'tfjs', kind: 'wasm', open: openTfjs },
  { name: 'jax-js', kind: 'wasm', open: openJaxJs('jax-js', false) },
  { name: 'jax-js threads', kind: 'wasm', open: openJaxJs('jax-js threads', true) },
  { name: 'ort-web', kind: 'wasm', open: openOrtWeb },
  { name: 'ort-node', kind: 'native', open: openOrtNode },
];
