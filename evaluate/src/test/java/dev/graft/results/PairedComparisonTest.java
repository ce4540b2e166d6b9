package dev.graft.results;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PairedComparisonTest {
  /** {@code scipy.stats.binomtest(b, b + c).pvalue}. */
  @ParameterizedTest
  @CsvSource({
    "1, 9, 0.021484375",
    "0, 5, 0.0625",
    "120, 118, 0.9483351238533626",
    "300, 250, 0.036578745549102676",
    "0, 0, 1",
    "3, 3, 1"
  })
  void mcNemarsTestIsExact(int b, int c, double p) {
    assertEquals(p, PairedComparison.mcNemar(b, c), 1e-12);
    assertEquals(p, PairedComparison.mcNemar(c, b), 1e-12);
  }

  @Test
  void whatAllChoicesGainTogetherIsNoDifferenceAmongThem() {
    double[] first = {-3.54, -8.93, -6.98, -5.61};
    double[] raised = {-2.29, -7.68, -5.73, -4.36};
    assertEquals(0, PairedComparison.differenceAmongChoices(first, raised), 1e-12);
  }

  /** {@code numpy.abs(scipy.special.log_softmax(b) - scipy.special.log_softmax(a)).sum()}. */
  @Test
  void differencesAmongChoicesAreThoseOfLogSoftmax() {
    double[] a = {-3.54, -8.93, -6.98, -5.61};
    double[] b = {-2.75, -7.0, -5.55, -4.14};
    assertEquals(2.2001422906558705, PairedComparison.differenceAmongChoices(a, b), 1e-12);
    double[] far = {-1000, -2000, -1001, -1002};
    assertEquals(997.4935287523354, PairedComparison.differenceAmongChoices(a, far), 1e-9);
  }
}
