package dev.graft.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.Fields;
import dev.graft.cost.ShapeReader;
import dev.graft.layout.RankSlice;
import dev.graft.layout.Shares;
import dev.graft.layout.WeightScheme;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InferencePlanTest {
  private static final Serving FP8 = new Serving(WeightScheme.FP8, 2, Serving.MEMORY_SHARE);

  private static InferencePlan skywork(Cluster cluster, Optional<Shares> shares)
      throws IOException {
    return InferencePlan.of(
        ShapeReader.read("skywork-moe"), cluster, FP8, shares, 256, 256, List.of());
  }

  /** The split of Skywork-MoE's press text, and 146 GB of weights in 192 GB. */
  @Test
  void skyworkMoeFitsEightCardsWithHeadsDealtOutUnevenly() throws IOException {
    InferencePlan plan = skywork(ClusterReader.read("4090x8"), Optional.empty());
    assertEquals(
        List.of(5, 5, 5, 5, 4, 4, 4, 4),
        plan.model().layout().slices().stream().map(slice -> slice.heads().length()).toList());
    double weights = IntStream.range(0, 8).mapToDouble(plan.model()::weightBytes).sum();
    assertEquals(146.4e9, weights, 1.5e9);
    assertTrue(plan.model().fits());
    // 5 heads of 128 as keys and values of two bytes over 52 layers
    assertEquals(2 * 52 * 5 * 128 * 2, plan.model().cacheBytes(0));
    double tokens =
        (24e9 * 0.95 - 0.6e9 - plan.model().weightBytes(0)) / plan.model().cacheBytes(0);
    assertEquals(Math.floor(tokens), plan.model().cacheTokens());
    assertEquals((int) (tokens / 512), plan.largestBatch());
  }

  @Test
  void throughputGrowsWithTheBatchAndSaysWhatLimitsIt() throws IOException {
    InferencePlan plan = skywork(ClusterReader.read("4090x8"), Optional.empty());
    List<ServingPoint> points = plan.points();
    for (int i = 1; i < points.size(); i++) {
      assertTrue(
          points.get(i).decodeTokensPerSecond() > points.get(i - 1).decodeTokensPerSecond(),
          points.toString());
    }
    assertEquals(Limit.WEIGHTS, points.get(3).decode().limit());
    assertEquals(Limit.NETWORK, points.getLast().prefill().limit());
    assertFalse(points.getLast().fits());
    ServingPoint published = plan.reaching(2200).orElseThrow();
    assertTrue(published.decodeTokensPerSecond() >= 2200);
    assertTrue(
        plan.model().decode(published.batch() - 1, 384).total() * 2200 > published.batch() - 1);
  }

  @Test
  void unequalCardsAreDealtOutByWhatTheyCanHoldOrRead() throws IOException {
    String cards =
        """
        name: two big, four small
        devices:
          - {name: big, count: 2, memory: 80e9, peak: {bf16: 312e12}, memory_bandwidth: 2e12}
          - {name: small, count: 4, memory: 16e9, peak: {bf16: 80e12}, memory_bandwidth: 0.8e12}
        node_size: 6
        inside: {bandwidth: 13e9, latency: 10e-6}
        between: {bandwidth: 13e9, latency: 10e-6}
        """;
    Cluster cluster = ClusterReader.of(Fields.parse("cards", cards));
    InferencePlan equal = skywork(cluster, Optional.of(Shares.equal(6)));
    assertFalse(equal.model().fits(), "24 GB of weights on a card of 16");
    InferencePlan plan = skywork(cluster, Optional.empty());
    assertTrue(plan.model().fits(), plan.dealtBy());
    assertEquals("memory", plan.dealtBy());
    RankSlice big = plan.model().layout().slice(0);
    RankSlice small = plan.model().layout().slice(5);
    assertTrue(big.heads().length() > 3 * small.heads().length(), plan.toString());
  }

  @Test
  void tooFewCardsDoNotFit() throws IOException {
    InferencePlan plan = skywork(ClusterReader.read("4090x4"), Optional.empty());
    assertFalse(plan.model().fits());
    assertEquals(0, plan.largestBatch());
    assertThrows(
        InvalidInputException.class,
        () -> skywork(ClusterReader.read("4090x4"), Optional.of(Shares.equal(3))));
  }

  /** Every way in which three tokens can choose two of four experts each. */
  @Test
  void distinctExpertsAreThoseOfAllChoices() {
    List<Integer> pairs = new ArrayList<>();
    for (int mask = 0; mask < 16; mask++) {
      if (Integer.bitCount(mask) == 2) {
        pairs.add(mask);
      }
    }
    double sum = 0;
    for (int a : pairs) {
      for (int b : pairs) {
        for (int c : pairs) {
          sum += Integer.bitCount(a | b | c);
        }
      }
    }
    assertEquals(sum / Math.pow(pairs.size(), 3), Occupancy.distinct(4, 2, 3), 1e-12);
    assertEquals(2, Occupancy.distinct(16, 2, 1), 1e-12);
  }
}
