// `node --import ./scripts/register-ts-node.js file.ts` runs TypeScript from the sources, without a type check.
import { registerTypeScript } from './model-loader.js';

registerTypeScript();
