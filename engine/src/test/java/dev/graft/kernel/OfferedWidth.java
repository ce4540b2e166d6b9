package dev.graft.kernel;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The build runs the tests once at the width of the CPU and again at narrower ones; on a CPU that
 * is narrower still, such a run skips aloud. The service loader finds it.
 */
public final class OfferedWidth implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    int asked = Integer.getInteger(VectorWidth.PROPERTY, 0);
    int offered = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    return asked <= offered
        ? ConditionEvaluationResult.enabled("this CPU has vectors of " + offered + " bits")
        : ConditionEvaluationResult.disabled(
            "SKIPPED: vectors of " + asked + " bits, since this CPU has " + offered);
  }
}
