/** Makes the servers of TensorFlow clusters targets of sessions. What talks to them is loaded when one is first used. */
import { registerTarget } from '../../session/targets/registry.js';
import { openCluster, resetCluster } from './target.js';

for (const scheme of ['grpc', 'grpcs']) registerTarget(scheme, { open: openCluster, reset: resetCluster });
