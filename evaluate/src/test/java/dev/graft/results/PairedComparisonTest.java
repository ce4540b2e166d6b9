package dev.graft.results;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
}
