/** The public functions, for graphs in specs. */
export * from '../../../src/index.js';
