package dev.graft.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SharesTest {
  private static List<Integer> lengths(List<Range> ranges) {
    return ranges.stream().map(Range::length).toList();
  }

  @Test
  void thirtySixHeadsOverEightRanksAreThoseOfSkyworkMoe() {
    assertEquals(List.of(5, 5, 5, 5, 4, 4, 4, 4), lengths(Shares.equal(8).split(36, 1)));
  }

  @Test
  void strongerRanksGetMore() {
    assertEquals(List.of(5, 3, 1), lengths(Shares.parse("5,3,1", 3).split(9, 1)));
    assertEquals(List.of(20, 12, 4), lengths(Shares.parse("5, 3, 1", 3).split(36, 1)));
    // Quotas 3.33, 2, 0.67: the largest remainder is the last rank's.
    assertEquals(List.of(3, 2, 1), lengths(Shares.parse("5,3,1").split(6, 0)));
  }

  @Test
  void theWeakestRankStillGetsTheLeast() {
    assertEquals(List.of(8, 1), lengths(Shares.parse("1000,1").split(9, 1)));
    assertEquals(List.of(1, 7, 1), lengths(Shares.parse("1,1000,1").split(9, 1)));
    assertEquals(List.of(1, 1, 1), lengths(Shares.parse("9,1,1").split(3, 1)));
  }

  /** Hamilton's rule: each rank within one of its quota; and all units dealt, in order. */
  @Test
  void everyUnitIsDealtOnceAndNearTheQuota() {
    SplittableRandom random = new SplittableRandom(17);
    for (int trial = 0; trial < 2000; trial++) {
      List<Integer> weights = new ArrayList<>();
      int ranks = random.nextInt(1, 12);
      for (int r = 0; r < ranks; r++) {
        weights.add(random.nextInt(1, random.nextBoolean() ? 10 : 1_000_000));
      }
      int units = random.nextInt(ranks, random.nextBoolean() ? 100 : 2_000_000_000);
      List<Range> ranges = new Shares(weights).split(units, 0);
      double sum = weights.stream().mapToDouble(w -> w).sum();
      int at = 0;
      for (int r = 0; r < ranks; r++) {
        assertEquals(at, ranges.get(r).from());
        at = ranges.get(r).to();
        double quota = units * (weights.get(r) / sum);
        assertTrue(Math.abs(ranges.get(r).length() - quota) < 1 + 1e-6, weights + " of " + units);
      }
      assertEquals(units, at);
      assertTrue(
          new Shares(weights).split(units, 1).stream().allMatch(range -> range.length() >= 1));
    }
  }

  @Test
  void sharesThatDoNotAddUpAreRefused() {
    for (String wrong :
        List.of("5,0,1", "5,-3,1", "5,,1", "", "5;3", "1.5,1", "1e3,1", "2000000")) {
      String message =
          assertThrows(InvalidInputException.class, () -> Shares.parse(wrong)).getMessage();
      assertTrue(message.startsWith("--shares " + wrong + " "), message);
      assertTrue(message.contains("such as 5,3,1"), message);
    }
    assertEquals(
        "--shares 5,3,1 names 3 ranks, but --tp is 4; give one share per rank",
        assertThrows(InvalidInputException.class, () -> Shares.parse("5,3,1", 4)).getMessage());
    assertEquals(
        "--tp is 0; it must be at least 1",
        assertThrows(InvalidInputException.class, () -> Shares.equal(0)).getMessage());
  }
}
