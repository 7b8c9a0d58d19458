/**
 * TensorFlow's own tests of gradients and functional control flow: which apply to this library, and of those that do not hold here, why not.
 * Names are those of TensorFlow's sources of January 2020, with the tests that ops/gradients_test.py has got since.
 */
import { controlFlow } from './inventory-control-flow.js';
import { eager } from './inventory-eager.js';

/** The tests of one class. */
export interface Suite {
  /** The file below tensorflow/python. */
  readonly file: string;
  readonly name: string;
  /** Tests that apply as they are. */
  readonly asIs?: string;
  /** Tests that apply in other words: what they ask of Python, of eager tensors or of deprecated parts is asked of what stands here for that. */
  readonly adapted?: string;
  /** Tests that do not apply, by reason. */
  readonly notApplicable?: Readonly<Record<string, string>>;
  /** Tests that apply and do not hold, by reason. */
  readonly missing?: Readonly<Record<string, string>>;
}

const quantized = 'quantized dtypes';
const ragged = 'ragged tensors';

const gradientsTest: readonly Suite[] = [
  {
    file: 'ops/gradients_test.py',
    name: 'GradientsTest',
    asIs: `testGradients testUnusedOutput testColocateGradients testColocateGradientsWithAggregation
      testColocateGradientsWithAggregationInMultipleDevices testBoundaryStop testBoundaryContinue
      testAggregationMethodAccumulateN testAggregationMethodAddN testAggregationMethodTree testVariableReadValueGradient
      testVariableDefaultGrad testDependentYs testPartialDerivatives testStopGradients
      testUnconnectedGradientsNoneUnconnectedGradients testUnconnectedGradientsZerosUnconnectedGradients
      testUnconnectedGradientsZeroConnectedGradients testUnknownUnconnectedGradientsValueGiven
      testUnconnectedOpWithMultipleOutputs testUnconnectedOpWithMultipleOutputsStopGradient
      testOpsBetweenSimple testOpsBetweenUnreachable testOpsBetweenCut testOpsBetweenCycle`,
    adapted: `testColocateGradientsWithGateGradients testNoGradientForStringOutputs testNoGradientForStringOutputsWithOpNamespace
      testSingletonIndexedSlices testNonDifferentiableSwitchInWhileLoop testVariableAsGraphElementGradient`,
    notApplicable: { 'reference variables': 'testVariableRefGradient' },
  },
  {
    file: 'ops/gradients_test.py',
    name: 'FunctionGradientsTest',
    adapted: `testFunctionGradientsBasic testFunctionGradientsComposition testFunctionGradientsWithGradFunc
      testFunctionGradientWithRegistration testFunctionGradientWithGradFuncAndRegistration testGradientWrtCaptured
      testGradientOfCaptured testCapturedResourceVariable testCapturedNested testCapturedFromFunction`,
    notApplicable: { 'eager tensors': 'testCapturedEagerTensors' },
  },
  { file: 'ops/gradients_test.py', name: 'StopGradientTest', asIs: 'testStopGradient' },
  { file: 'ops/gradients_test.py', name: 'PreventGradientTest', asIs: 'testPreventGradient' },
  { file: 'ops/gradients_test.py', name: 'HessianVectorProductTest', asIs: 'testHessianVectorProduct' },
  {
    file: 'ops/gradients_test.py',
    name: 'HessianTest',
    asIs: 'testHessian1D testHessian1D_multi testHessian2D_square_matrix testHessian2D_non_square_matrix',
    adapted: 'testHessianInvalidDimension',
  },
  {
    file: 'ops/gradients_test.py',
    name: 'IndexedSlicesToTensorTest',
    adapted: 'testIndexedSlicesToTensor testIndexedSlicesToTensorList testInt64Indices testWarnings',
    missing: { 'no warnings are printed; TensorFlow skips it on Python 3 as well': 'testWarnings' },
  },
  { file: 'ops/gradients_test.py', name: 'OnlyRealGradientsTest', asIs: 'testRealOnly' },
  { file: 'ops/gradients_test.py', name: 'ResourceCondTest', adapted: 'testBasic' },
  {
    file: 'ops/gradients_test.py',
    name: 'GetDependentVariablesTest',
    adapted: `testNoVariables testVariablesOutside testVariableSamePrefix testVariablesOutsideButDSeparated
      testVariablesOutsideAndNonDifferentiable testGetVariableByName testVariablesOutsideAndNonTrainable
      testVariablesOutsideAndCustomGradient`,
  },
  {
    file: 'ops/gradients_test.py',
    name: 'CustomGradientTest',
    asIs: 'testCustomGradientTrivial testCustomGradient testCustomGradientClass testCustomGradientErrors testRecursiveCustomGradient',
    adapted: `testCustomGradientWithVariables testCustomGradientWithCapture testCustomGradientWithVariablesNoFalsePositives
      testWithNumpyInputs testRVGradientsDynamicCond testCustomGradientStructuralInputOutput`,
    notApplicable: {
      [ragged]: `testCustomGradientRaggedTensorEager testCustomGradientRaggedTensorFunction
        testCustomGradientMultipleRaggedTensorsEager testCustomGradientMultipleRaggedTensorsFunction`,
      [quantized]: 'testCustomGradientQuantizedDtypeTraining',
      'eager execution': 'testCustomGradientWithVariablesEager',
      'reference variables': 'testCustomGradientErrorsWithNonResourceVariables',
      "Python's keyword-only arguments":
        'testCustomGradientVariablesKwonlyArgs testCustomGradientVariablesKwonlyArgsEager',
    },
  },
  { file: 'ops/gradients_test.py', name: 'TensorListGradientsTest', adapted: 'testDefaultGradYs' },
  {
    file: 'ops/gradients_test.py',
    name: 'VariablesGradientTest',
    asIs: 'testFnRecomputeSameTensor',
    adapted: `testRecomputeGradZeroSizeInput testRecomputeGradDifferentDtypesInputs testCustomGradientRecomputeGradHigherOrder
      testFnRecompute testFnRecomputeWithScopeGradient`,
    notApplicable: { "Python's function wrappers": 'testRecomputeGradWrapped', Keras: 'testKerasRecompute' },
  },
  {
    file: 'ops/gradients_test.py',
    name: 'GradPassThroughTest',
    adapted: 'test_gradients_v1',
    notApplicable: { 'eager execution': 'test_gradients_v2' },
  },
];

const parallelFor: readonly Suite[] = [
  {
    file: 'ops/parallel_for/gradients_test.py',
    name: 'GradientsTest',
    asIs: `test_no_path test_jacobian_fixed_shape test_jacobian_unknown_shape test_batch_jacobian_bad_shapes
      test_batch_jacobian_bad_unknown_shapes test_batch_jacobian_fixed_shape test_batch_jacobian_unknown_shape test_indexed_slice`,
    adapted: `test_jacobian_scan_shape test_jacobian_while_loop_shape test_jacobian_parallel_iterations
      test_batch_jacobian_parallel_iterations test_fc_batch_jacobian test_lstm_batch_jacobian test_lstm_hessian
      test_lstm_batch_hessian test_fc_per_eg_grad test_lstm_per_eg_grad test_mnist_per_eg_grad test_mnist_per_eg_jacobian
      test_fc_jacobian DISABLED_test_dynamic_lstm_batch_jacobian`,
  },
];

const images = 'images are not in our set of ops yet';
const linearAlgebra = 'decompositions, solvers and determinants are not in our set of ops yet';
const eachDtypeAndShape = '(parameterised: one entry for each function)';

const correctness: readonly Suite[] = [
  {
    file: 'kernel_tests/aggregate_ops_test.py',
    name: 'AddNTest',
    asIs: 'testAddN testUnknownShapes',
    notApplicable: { 'variants made by hand': 'testVariant' },
  },
  {
    file: 'kernel_tests/gradient_correctness_test.py',
    name: 'GradientCorrectnessTest',
    asIs: `testMultipleOutputChainedGradients testIdentityGradient testIntegerIdentityGradient testGradientWithIntegerPath
      testNoIntegerGradient1 testNoIntegerGradient2 testNoIntegerGradient3 testNoIntegerGradient4 testNoIntegerGradient5
      testNoIntegerGradient6`,
  },
  {
    file: 'ops/gradient_checker_test.py',
    name: 'GradientCheckerTest',
    asIs: `testAddSimple testAddCustomized testGather testNestedGather testComplexMul testComplexConj testEmptySucceeds
      testEmptyFails testNaNGradFails`,
    notApplicable: { GPU: 'testAddSimpleGPU' },
  },
  {
    file: 'ops/gradient_checker_v2_test.py',
    name: 'GradientCheckerTest',
    asIs: `testAddSimple testAddCustomized testGather testNestedGather testComplexMul testComplexConj testEmptySucceeds
      testEmptyMatMul testEmptyFails testNaNGradFails testGradGrad`,
  },
  ...['ops/gradient_checker_test.py', 'ops/gradient_checker_v2_test.py'].map((file) => ({
    file,
    name: 'MiniMNISTTest',
    asIs: 'testInputGradient testHiddenWeightGradient testHiddenBiasGradient testSoftmaxWeightGradient testSoftmaxBiasGradient',
  })),
  ...mathGrad(),
  { file: 'ops/nn_grad_test.py', name: 'Relu6OpTest', adapted: 'testRelu6GradGrad' },
  {
    file: 'ops/nn_grad_test.py',
    name: 'Conv2dOpTest',
    adapted: 'testConv2dGradWRTInput testConv2dGradWRTFilter testConv2dBackpropFilterGrad',
  },
  {
    file: 'ops/nn_grad_test.py',
    name: 'DepthwiseConv2dTest',
    adapted: 'testDepthwiseConv2dGradWRTInput testDepthwiseConv2dGradWRTFilter testDepthwiseConv2dBackpropFilterGrad',
  },
  { file: 'ops/nn_grad_test.py', name: 'EluGradOpTest', adapted: 'testEluGradGradWRTgrad_ys testEluGradGradWRTinputs' },
  {
    file: 'ops/nn_grad_test.py',
    name: 'SeluGradOpTest',
    adapted: 'testSeluGradGradWRTgrad_ys testSeluGradGradWRTinputs',
  },
  ...linalgGrad(),
  ...imageGrad(),
  {
    file: 'framework/ops_test.py',
    name: 'ColocationGroupTest',
    asIs: `testBasic testBasicColocationMetadata testColocationDeviceInteraction testColocationCanonicalization
      testLocationOverrides testNestedColocateWith testMultiColocationGroups testColocationIgnoreStack testColocateWithReset
      testColocateWithInitialNoneThenNested testColocateVariables testColocateWithVariableInFunction`,
  },
  {
    file: 'framework/ops_test.py',
    name: 'RegistrationTest',
    asIs: 'testRegisterGradients testOverrideGradients testNonExistentOverride',
  },
  {
    file: 'framework/ops_test.py',
    name: 'ControlDependenciesTest',
    asIs: `testBasic testBasicWithConversion testNested testClear testComplex testRepeatedDependency
      testNoControlDependencyWithDataDependency`,
    notApplicable: { 'eager execution': 'testEager' },
  },
  {
    file: 'training/optimizer_test.py',
    name: 'OptimizerTest',
    adapted: `testBasic testAggregationMethod testPrecomputedGradient testNoVariables testNoGradients
      testNoGradientsForAnyVariables_Minimize testNoGradientsForAnyVariables_ApplyGradients testGradientsAsVariables
      testComputeGradientsWithTensors testTrainOp testConstraint`,
  },
];

function mathGrad(): readonly Suite[] {
  const suite = (name: string, asIs: string, more: Partial<Suite> = {}): Suite => ({
    file: 'ops/math_grad_test.py',
    name,
    asIs,
    ...more,
  });
  return [
    suite('SquaredDifferenceOpTest', 'testGrad'),
    suite('AbsOpTest', 'testComplexAbs'),
    suite('MinOrMaxGradientTest', 'testMinGradient testMaxGradient'),
    suite('MaximumOrMinimumGradientTest', 'testMaximumGradient testMinimumGradient'),
    suite(
      'ProdGradientTest',
      `testProdGradient testProdGradientForNegativeAxis testProdGradientComplex testProdGradientForNegativeAxisComplex`,
    ),
    suite(
      'EuclideanNormGradientTest',
      `testBasic testNegative testKeepdims testGradientChain testTwoElements testNegativeZero testZeros test2D_1 test2D_2
       test2D_3 test2D_4 test3D_1 test3D_2 test3D_3 test3D_4`,
    ),
    suite(
      'SegmentMinOrMaxGradientTest',
      `testSegmentMinGradient testSegmentMaxGradient testSegmentMinGradientWithTies testSegmentMaxGradientWithTies`,
    ),
    suite('FloorModGradientTest', 'testFloorModGradient'),
    suite('DivNoNanGradientTest', 'testBasicGradient testGradientWithDenominatorIsZero'),
    suite('MulNoNanGradientTest', 'testBasicGradient testGradientWithRhsIsZero'),
    suite('XlogyTest', 'testNonZeroValuesGrad testZeroXGrad testZeroYGrad testZeroXYGrad'),
    suite('Xlog1pyTest', 'testNonZeroValuesGrad testZeroXGrad testNegOneYGrad testZeroXNegOneYGrad'),
    suite('XdivyTest', 'testNonZeroValuesGrad testZeroXGrad testZeroYGrad testZeroXYGrad'),
    suite('PowGradTest', 'test_zero_grad_tf_gradients test_zero_grad_tape'),
    suite('NextAfterTest', 'testBasic testDynamicShapes testWithGradientChecker testBroadcastingWithGradientChecker'),
  ];
}

function linalgGrad(): readonly Suite[] {
  const suite = (name: string, tests: string): Suite => ({
    file: `kernel_tests/linalg_grad_test.py`,
    name,
    adapted: tests,
    missing: { [linearAlgebra]: tests },
  });
  return [
    suite('ShapeTest', 'testBatchGradientUnknownSize'),
    suite(
      `MatrixUnaryFunctorGradientTest ${eachDtypeAndShape}`,
      `test_MatrixInverseGradient test_MatrixExponentialGradient test_MatrixDeterminantGradient
       test_LogMatrixDeterminantGradient test_MatrixSquareRootGradient`,
    ),
    suite(
      `MatrixBinaryFunctorGradientTest ${eachDtypeAndShape}`,
      'test_MatrixSolveGradient test_MatrixTriangularSolveGradient test_MatrixSolveLsGradient',
    ),
  ];
}

function imageGrad(): readonly Suite[] {
  const suite = (name: string, tests: string): Suite => ({
    file: 'ops/image_grad_test.py',
    name,
    adapted: tests,
    missing: { [images]: tests },
  });
  return [
    suite(
      'ResizeNearestNeighborOpTest',
      'testShapeIsCorrectAfterOp testGradFromResizeToLargerInBothDims testGradFromResizeToSmallerInBothDims testCompareGpuVsCpu',
    ),
    suite(
      'ResizeBilinearOpTest',
      'testShapeIsCorrectAfterOp testGradFromResizeToLargerInBothDims testGradFromResizeToSmallerInBothDims testCompareGpuVsCpu testTypes',
    ),
    suite(
      'ResizeBicubicOpTest',
      'testShapeIsCorrectAfterOp testGradFromResizeToLargerInBothDims testGradFromResizeToSmallerInBothDims testGradOnUnsupportedType',
    ),
    suite('ScaleAndTranslateOpTest', 'testGrads testIdentityGrads'),
    suite('CropAndResizeOpTest', 'testShapeIsCorrectAfterOp testGradRandomBoxes'),
    suite(
      'RGBToHSVOpTest',
      'testShapeIsCorrectAfterOp testRGBToHSVGradSimpleCase testRGBToHSVGradRandomCase testRGBToHSVGradSpecialCaseRGreatest',
    ),
  ];
}

export const inventory: readonly Suite[] = [...gradientsTest, ...parallelFor, ...correctness, ...eager, ...controlFlow];
