package dev.graft.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BalanceTest {
  /**
   * By hand with ξ = 1/5, α_max = 0.01, β = 0.99. Drop rates above 5 % reach the cap: 0.2 · 0.05 =
   * 0.01. The first row: 0.99 · 0 + 0.01 · min(0.2 · 0.02, 0.01) = 0.01 · 0.004 = 0.00004.
   */
  @ParameterizedTest
  @CsvSource({
    "0,      0.02, 0.00004",
    "0,      0.05, 0.0001",
    "0,      0.5,  0.0001",
    "0.01,   0,    0.0099",
    "0.01,   1,    0.01",
    "0.004,  0.01, 0.00398",
    "0.0001, 0.25, 0.000199",
  })
  void adaptiveByHand(double alpha, double dropRate, double expected) {
    assertEquals(expected, new Balance.Adaptive(0.2, 0.01, 0.99, 0).next(alpha, dropRate), 1e-15);
  }

  @ParameterizedTest
  @CsvSource({"0.02, 0", "0.02, 0.9"})
  void fixedAndNoneStay(double alpha, double dropRate) {
    assertEquals(alpha, new Balance.Fixed(alpha).initial());
    assertEquals(alpha, new Balance.Fixed(alpha).next(alpha, dropRate));
    assertEquals(0, new Balance.None().next(0, dropRate));
  }
}
