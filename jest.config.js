// Native ES modules; TensorFlow comparisons run only under `npm run test:tensorflow`, which sets TAPELESS_TENSORFLOW.
const tensorflow = process.env.TAPELESS_TENSORFLOW === '1';

export default {
  testEnvironment: 'node',
  testMatch: tensorflow
    ? ['<rootDir>/spec/tensorflow/**/*.spec.ts', '<rootDir>/spec/cluster/**/*.spec.ts']
    : ['<rootDir>/spec/**/*.spec.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(tensorflow ? [] : ['<rootDir>/spec/tensorflow/', '<rootDir>/spec/cluster/']),
  ],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.venv/', '<rootDir>/bench/', '<rootDir>/out/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^tapeless$': '<rootDir>/src/index.ts',
    '^tapeless/testing$': '<rootDir>/src/testing/index.ts',
    '^tapeless/interop$': '<rootDir>/src/interop/index.ts',
  },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: 'tsconfig.json' }] },
  testTimeout: 30_000,
  maxWorkers: 2,
};
