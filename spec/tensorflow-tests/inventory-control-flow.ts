/** The part of the inventory that comes from TensorFlow's tests of functional control flow, as far as gradients go through it. */
import type { Suite } from './inventory.js';

const v1 = "TensorFlow 1's Switch and Merge nodes";
const xla = 'XLA';
const placer = 'lowering, pruning and partitioning inside the runtime';

export const controlFlow: readonly Suite[] = [
  {
    file: 'kernel_tests/control_flow_ops_py_test.py',
    name: 'ControlFlowTest',
    adapted: `testCondInt testCondResourceGradShape testCondWithTensorArrayGrad testCondResourceGrad testCondGrad_1
      testCondComputeGradAfterSessRunFails testCondComputeGradAfterSessRun testNestedCondComputeGradAfterSessRun testCondGrad_2
      testCondGrad_3 testCondGradMultiDevice testNestedCond_Simple testCondGrad_Gather testCondGrad_ResourceVarSparseRead
      testCondGrad_MultiGather testWhileGrad_ColocateGradients testWhileGrad_Square testWhileGrad_Shape testWhileGrad_BaseShape
      testWhileGradAfterSessionRun testNestedWhileGradAfterSessionRun testWhileGrad_MultipleUses testWhileGrad_LoopAdd
      testWhileGrad_Mul testWhileGradInControlDeps testNestedWhileCondWhileGrad testWhileGrad_Variable
      testWhileGrad_ResourceVariable testWhileGrad_ResourceVarInFunctionCall testWhileGrad_ResourceVarInNestedFunctionCall
      testWhileGrad_ResourceVarInLoopInFunctionCall testWhileCondGrad_ResourceVarInFunctionCall
      testWhileGrad_ResourceVarSparseRead testWhileGrad_MultiResourceVarSparseRead testWhileGrad_Gather
      testWhileGrad_GatherNoFanOut testWhileGradInCond testGradInWhileWrtInitialLoopVal testWhileGradInWhile
      testCondGradInNestedWhiles testNestedResourceAccess testWhileGrad_ys_xs testWhileGrad_Dependency testWhileGrad_NoGradient
      testWhileGrad_NoDependency testWhileGrad_Const testWhileGrad_SerialTwoLoops testWhileGrad_ParallelTwoLoops
      testWhileGrad_OneOutputWithControlDependencyOnSecond testNestedWhileGrad_Simple testNestedWhileGrad_SerialInner
      testNestedWhileGrad_ParallelInner testNestedWhileGrad_ParallelIterations testWhileCondGrad_Simple
      testWhileCondGrad_UnknownShape testWhileCondGradMultiDevice testWhileGrad_Concat testWhileGrad_IndexedSlices
      testWhileGrad_SparseTensor testCallGradInLoop testWhileAndTensorArray testNestedWhileAndTensorArray testWhileGrad_StopGrad
      testWhileGrad_StopGradInside testWhileGrad_StopGradInsideNoShape testWhileGradGradFail testStopGradOnWhileGrad
      testWhileGradientWithNontrainablePath1 testWhileGradientWithNontrainablePath2 testIssue16504 testStopGradMultiFlows
      testWhileFuncBasic`,
    notApplicable: {
      'reference variables': 'testWhileWithRefsWithGradients_1',
      'eager execution': 'testWhileGrad_EagerResourceVariable',
      GPU: 'testNestedWhileCondWhileGradGpu',
      [xla]: `testXLAGradInLoop testSingleNestedMaximumIterationsWhileLoopGradientInXLAContext
        testInvalidMaximumIterationsWhileLoopGradientInXLAContext
        testInvalidMaximumIterationsFromSiblingContextWhileLoopInXLAContext
        testNestedWhileLoopWithMaxItersFromOuterContextInXLAContext`,
    },
  },
  {
    file: 'kernel_tests/control_flow_ops_py_test.py',
    name: 'TupleTest',
    asIs: 'testTensors testIndexedSlices testAcceptTensorsAsControlInputs',
  },
  {
    file: 'ops/control_flow_ops_test.py',
    name: 'GroupTestCase',
    asIs: 'testGroup_NoDevices testGroup_OneDevice testGroup_MultiDevice testPassingList testPassingNonTensors',
  },
  {
    file: 'ops/control_flow_ops_test.py',
    name: 'WithDependenciesTestCase',
    asIs: 'testTupleDependencies testListDependencies',
  },
  {
    file: 'ops/control_flow_ops_test.py',
    name: 'SwitchTestCase',
    adapted: `testIndexedSlicesGradient testIndexedSlicesGradientInCondInWhileLoop
      testIndexedSlicesGradientInCondInWhileLoopResource testIndexedSlicesWithShapeGradientInWhileLoop
      testIndexedSlicesWithDynamicShapeGradientInWhileLoop testGradientThroughSingleBranchOutsideOfContext`,
    notApplicable: { [v1]: 'testIndexedSlicesWithDenseShape' },
  },
  { file: 'ops/control_flow_ops_test.py', name: 'CondTest', adapted: 'testCond_gradient' },
  {
    file: 'ops/control_flow_ops_test.py',
    name: 'IndexedCaseTest',
    adapted: 'testCase_gradient testCase_gradient_diffShapedIntermediates',
  },
  {
    file: 'kernel_tests/cond_v2_test.py',
    name: 'CondV2Test',
    adapted: `testBasic testReturnsIndexedSlicesAndNones testReturnsNonesAndIndexedSlices testExternalControlDependencies
      testMultipleOutputs testBasic2 testNoInputs testDefaultName testDefunInCond testNestedDefunInCond
      testDoubleNestedDefunInCond testNestedCond testNestedCondBothBranches testDoubleNestedCond testGradientFromInsideDefun
      testGradientFromInsideNestedDefun testBuildCondAndGradientInsideDefun testSecondDerivative testGradientOfDeserializedCond
      testFuncCond testFuncCondFunc testFuncCondWithVariable testFuncCondFuncWithVariable
      testGradientTapeOfCondWithResourceVariableInFunction testStructuredOutputs testRaisesOutputStructuresMismatch
      testCondAndTensorArray testCondAndTensorArrayInDefun testForwardPassRewrite testDoNotAccumulateConstants`,
    notApplicable: {
      [placer]: 'testLowering testLoweringDisabledWithSingleThreadedExecutorContext',
      [xla]: 'testLoweringDisabledInXLA testNestedLoweringDisabledInXLA testNoOptionalsInXla',
    },
  },
  {
    file: 'kernel_tests/cond_v2_test.py',
    name: 'CondV2CollectionTest',
    notApplicable: {
      "TensorFlow 1's collections, which a function body shares with its graph":
        'testCollectionIntValueAccessInCond testCollectionTensorValueAccessInCond testCollectionIntValueWriteInCond',
    },
  },
  {
    file: 'kernel_tests/cond_v2_test.py',
    name: 'CondV2ContainerTest',
    notApplicable: { 'containers of resources': 'testContainer' },
  },
  {
    file: 'kernel_tests/cond_v2_test.py',
    name: 'CondV2ColocationGroupAndDeviceTest',
    adapted: 'testColocateWithBeforeCond testColocateWithInAndOutOfCond testDeviceBeforeCond testDeviceInAndOutOfCond',
    notApplicable: { [placer]: 'testColocateWithInCondGraphPartitioning testDeviceInCondGraphPartitioning' },
  },
  {
    file: 'kernel_tests/while_v2_test.py',
    name: 'WhileV2Test',
    adapted: `testSingleLoopVar testSingleLoopVarBackPropFalse testCustomGradient testReturnSameStructureTrue
      testVerifyInputOutputTypesMatch testGradientTapeResourceVariable testExternalControlDependencies testMultipleLoopVarsBasic
      testMultipleLoopNonscalarCond testMultipleLoopVars testGradientTape testMultipleWhileLoops testMultipleWhileLoopsWithFunc
      testMultipleWhileLoopsWithDeps testMultipleWhileLoopsWithVarsDeps testDoubleDerivative testDoNotAccumulateInvariantsV1
      testDoNotAccumulateInvariantsV2
      testDoNotOutputLoopCounterAsIntermediate testDoNotOutputLoopInvariantAsIntermediate testCaptureExternalTensorInCond
      testCaptureExternalTensorInBody testLoopWithTensorListPushBack testDuplicateAccumulator testAccumulatorElementShape
      testDefaultName testWhileAndTensorArray testNestedWhile testNestedWhileWithLegacyDefun testIdentityNodeInBody
      testForwardPassRewrite testRandomOpsShape testReshapeShape testFillOpsShape testExternalColocationGrad
      testDoNotAccumulateConstNodes`,
    notApplicable: {
      [placer]: 'testPruningV1 testPruningV2 testPruningNested testPruningNested2 testPruningNested3',
      'eager execution': 'testMultipleWhileLoopsEager testDoubleDerivativeEager',
    },
  },
];
