/** The part of the inventory that comes from TensorFlow's tests of tapes, functions and forward mode. */
import type { Suite } from './inventory.js';

const helper =
  "eager helpers that are not public (gradients_function, implicit_grad, make_vjp); the tape's own tests say the same";
const eagerOnly = 'eager execution';

export const eager: readonly Suite[] = [
  {
    file: 'eager/backprop_test.py',
    name: 'BackpropTest',
    adapted: `testNoOpBehaviorConsistent testGradientInsideLoop testTwoTargets testCustomGradientEmptyError
      testOutputGradUsedInComputation testTapeNoOpGradient testTapeIdentityGradientIsIdentity testFunctionIndexedSlicesGradient
      testTapeGradientMultiTargetOneIsSource testTapeNoOpGradientWithMultiTargetAllSource
      testTapeNoOpGradientWithMultiTargetMultiSource testTapeGradientStringTarget testTapeNoOpGradientStringSourceAndTarget
      testTapeNoOpGradientWithMultiTargetMultiSourceIncludeString testTapeNoOpOnVariableIsIdentity testTapeNoOpGradient2By2
      testTapeNoOpGradientMultiTarget2By2 testTapeStopRecording testTapeStopStartRecording testTapeReset
      testAutomaticWatchedVariables testExplicitWatchedVariables testGradientWithinTapeBlock testNestedSelfContexts
      testWatchingIsTapeLocal testGradientTapeReEnterContext testGradientTapeRepeatedSource
      testPersistentGradientTapeRepeatedSource testGradientTapeStructure testGradientTape
      testGadientTapeCalledOnConstantTarget testGradientTapeWithCond testGradientTapeWithWhileLoop
      testGradientTapeGradientCalledMultipleTimes testPersistentTape testHigherOrderGradient testPersistentNestedTape
      testGradientTapeVariable testNestedGradients testUnconnectedGradientsDefault testUnconnectedGradientsZeros
      testUnconnectedGradientsVariablesZeros testUnknownUnconnectedGradientsValueGiven
      testUnconnectedGradientsNestedDefunZeros testJacobianCustomGradient testSelectivelyWatchVariables
      testVariablesAndConstantsProduceTheSameGradients testUnknownShapes testCustomGradientInEagerAndGraph
      testOverrideSecondOrderWithCustomGradient testWatchBadThing testWatchedVariablesAfterNonPersistentGradientCall
      testWatchedVariablesOnlyHasVariablesFromLastTape testWatchedVariablesRespectReset`,
    notApplicable: {
      [helper]: `testAggregateGradients testAggregateGradientsWithTensor testImplicitGradWithResourceVariable testWhereGradient
        testDy testGradientInteger testErrors testGradientsFunctionInCustomGradient testImplicitGradOverEmbeddingLookup
        testImplicitGradOrdering testGradientNone testSecondGrad testMakeVJP testPersistentMakeVJP testGradGrad testGradGradExp
        testStopGradient testArgmax testEmptyParams testUnconnectedNone testEmptyParamsForValueAndGradFunction
        testNonEmptyParamsForValueAndGradFunction testMulType testArgsGradientFunction testPartial testReturnSameThing
        testExceptionSafety testMultiValueConvertToTensor testOutput testMultiValuePreservesIfNotDiffedAgainst
        testSameObjectForMultipleArguments testImplicitGradientsCustomGradientAndCachedVariableValue testCustomGradient
        testCustomGradientIdentity testDifferentiatingFunctionThatReturnsNone testMaxPooling3DGradient`,
      [eagerOnly]: `testInvalidRecordOperationMessage testZerosCacheDoesntLeakAcrossGraphs testDifferentiatingScalarCache
        testPythonMax testCustomGradientForwardprop testGetAttrType testGetAttrList testMakeAttrType testMakeAttrTypeList
        testMakeAttrShape testMakeAttrShapeList`,
      'copies between devices':
        'testGPU testGPUImplicitGrad testCPU testTensorCopyGPU2CPU2GPU testTensorCopyCPU2GPU2CPU',
    },
  },
  {
    file: 'eager/backprop_test.py',
    name: 'JacobianTest',
    adapted: `testPfor testWhileLoop testPforDefun testWhileLoopDefun testPersistentTape testPforException
      test_parallel_iterations test_nested_jacobian test_indexed_slices`,
  },
  {
    file: 'eager/backprop_test.py',
    name: 'BatchJacobianTest',
    adapted: `testPfor testWhileLoop testPforDefun testWhileLoopDefun testPersistentTape testBadShape testBadInputRank
      testBadOutputRank testPforException test_parallel_iterations test_degenerate_shape`,
  },
  {
    file: 'eager/backprop_test.py',
    name: 'AggregateIndexedSlicesGradientsTest',
    asIs: `testNoGradients testOneGradient testMultipleGradients testMultipleGradientsWithNones testMixedTensorAndIndexedSlices`,
  },
  {
    file: 'eager/function_gradients_test.py',
    name: 'FunctionGradientsTest',
    adapted: `testGraphModeWithGradients testGraphGradientVariable testSymbolicHigherOrder testIteratedGradientsNested
      testIteratedGradientsNestedWithVariable testIteratedGradientsPersistent testHigherOrderWithVariable testGradientsChained
      testSymGradGatherNd testGraphFunctionWithGradients testDefunCondGradient testGraphLoopGradient
      testGraphLoopGradientInsideSession testDefunCanBeDifferentiatedTwice testSymbolicGradientVariableNoneNotZerosLike
      testDifferentiableFunctionNoneOutputs testNestedDifferentiableFunction testDeeplyNestedDifferentiableFunction
      testDeeplyNestedDifferentiableFunctionTFGradientInDefun testDeeplyNestedDifferentiableFunctionTFGradientInNestedDefun
      testDeeplyNestedDifferentiableFunctionTFGradientInMultNestedDefun testDeeplyNestedDifferentiableFunctionWithVariable
      testDeeplyNestedDifferentiableFunctionWithVariableMultipleTFGrads testNestedDifferentiableFunctionNoneOutputs
      testFunctionHasNoSecondOrderGradient`,
    notApplicable: {
      [eagerOnly]: `testSymbolicHigherOrderUnderTape testNoSymGradNestedDefun testDefunDifferentiable testDefunCallBackprop
        testGraphModeEagerGradError testDefunCallBackpropUsingSameObjectForMultipleArguments
        testGradientTensorConversionWithDefun testGradient testGradientInFunction testGradientOfGatherWithDefun
        testDeeplyNestedDifferentiableFunctionWithMultipleGradCalls
        testDeeplyNestedDifferentiableFunctionGradientTapeInDefun
        testDeeplyNestedDifferentiableFunctionGradientTapeInNestedDefun
        testDeeplyNestedDifferentiableFunctionGradientTapeInMultNestedDefun
        testDeeplyNestedDifferentiableFunctionWithVariableMultipleGradCalls testBackwardNone`,
      "Python's keyword arguments": 'testGradientWithKeywordArguments testGradientInFunctionWithKeywordArguments',
    },
  },
  {
    file: 'eager/forwardprop_test.py',
    name: 'ForwardpropTest',
    adapted:
      'testJVPManual testNumericHigherOrder testHigherOrderPureForward testVariablesHVP testHVPCorrectness testBackwardOverForward',
    notApplicable: {
      'ForwardAccumulator records eager operations; here forward mode is a function of the graph, jvp': `testJVPFunction
        testJVPFunctionUsedByAccumulatorForOps testFunctionCacheLimited testMultipleWatchesAdd testReenter
        testDeadTensorsJVPCleared testCustomGradient testCustomGradientRecomputeGrad testExceptionInCustomGradientNotSwallowed
        testElementwiseNNOps testPushPopAccumulatorState testGradPureForward testJVPPacking testFunctionGradInFunctionPureForward
        testFunctionGrad testReusingJVP testHVPMemory testShouldRecordAndStopRecord testRecordingSelectively
        testOpWithNoTrainableOutputs testVariableReadInFunction testForwardOverBackwardMemoryEfficiency
        testRecordingWithJVPIndices testSpecialForwardFunctionUsed testVariableWatched testUnconnectedGradients
        testVariableWatchedFunction testMirroredVariableWatched testArgumentUnused`,
      Keras:
        'testKerasLayers testBatchNorm testBatchNormLayerParamGrads testFusedBatchNormGradsTraining testFusedBatchNormGradsInference',
    },
  },
  {
    file: 'eager/forwardprop_test.py',
    name: 'HessianTests',
    adapted: 'testHessian1D testHessianOfVariables',
  },
];
