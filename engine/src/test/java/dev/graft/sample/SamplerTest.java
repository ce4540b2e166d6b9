package dev.graft.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SamplerTest {
  private static final int VOCAB = 300;

  private record Case(
      float[] logits,
      int[] seen,
      double temperature,
      int top_k,
      double top_p,
      double min_p,
      double repetition_penalty) {
    Sampler sampler(long seed) {
      return new Sampler(
          new SamplingOptions(temperature, top_k, top_p, min_p, repetition_penalty, seed), seen);
    }
  }

  private static Case random(Random random) {
    float[] logits = new float[VOCAB];
    for (int v = 0; v < VOCAB; v++) {
      // Some are equal, which is where the filters differ most easily.
      logits[v] = random.nextInt(4) == 0 ? random.nextInt(4) : (float) (4 * random.nextGaussian());
    }
    return new Case(
        logits,
        random.ints(1 + random.nextInt(20), 0, VOCAB).toArray(),
        random.nextInt(4) == 0 ? 1 : 0.25 + random.nextDouble() * 1.5,
        random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(60),
        random.nextInt(3) == 0 ? 1 : 0.05 + 0.95 * random.nextDouble(),
        random.nextInt(2) == 0 ? 0 : 0.3 * random.nextDouble(),
        random.nextInt(2) == 0 ? 1 : 0.7 + random.nextDouble());
  }

  @Test
  void distributionsAreThoseOfTransformers(@TempDir Path folder) throws IOException {
    Random random = new Random(5);
    List<Case> cases = IntStream.range(0, 300).mapToObj(i -> random(random)).toList();
    Path file = folder.resolve("cases.json");
    Files.writeString(file, JsonMapper.shared().writeValueAsString(cases));
    JsonNode theirs =
        JsonMapper.shared().readTree(PeerPython.run("scripts/peers/sampling.py", file.toString()));
    int filtered = 0;
    for (int c = 0; c < cases.size(); c++) {
      Sampler.Distribution ours = cases.get(c).sampler(0).penalized(cases.get(c).logits().clone());
      double[] dense = new double[VOCAB];
      for (int i = 0; i < ours.tokens().length; i++) {
        dense[ours.tokens()[i]] = ours.probabilities()[i];
      }
      for (int v = 0; v < VOCAB; v++) {
        double expected = theirs.get(c).get(v).asDouble();
        assertEquals(expected, dense[v], 1e-6, "case " + c + " " + cases.get(c) + " token " + v);
        filtered += expected == 0 ? 1 : 0;
      }
    }
    assertTrue(filtered > 10_000);
  }

  @Test
  void drawsFollowTheDistribution() {
    Case one = random(new Random(9));
    Sampler sampler = new Case(one.logits, new int[0], 3, 12, 0.95, 0, 1).sampler(3);
    Sampler.Distribution p = sampler.penalized(one.logits.clone());
    int[] counts = new int[VOCAB];
    int draws = 40_000;
    for (int i = 0; i < draws; i++) {
      counts[sampler.next(one.logits.clone())]++;
    }
    double chi = 0;
    for (int i = 0; i < p.tokens().length; i++) {
      double expected = draws * p.probabilities()[i];
      chi += Math.pow(counts[p.tokens()[i]] - expected, 2) / expected;
      counts[p.tokens()[i]] = 0;
    }
    assertTrue(p.tokens().length > 3 && chi < 30, "chi squared is " + chi);
    assertEquals(0, IntStream.of(counts).sum());
  }

  @Test
  void oneSeedIsOneText() {
    List<List<Integer>> texts = new ArrayList<>();
    for (long seed : new long[] {1, 1, 2}) {
      SplittableRandom logits = new SplittableRandom(4);
      Sampler sampler =
          new Sampler(new SamplingOptions(1, 0, 1, 0, 1.1, seed), new int[] {1, 2, 3});
      texts.add(
          IntStream.range(0, 50)
              .map(i -> {
                float[] row = new float[VOCAB];
                for (int v = 0; v < VOCAB; v++) {
                  row[v] = (float) logits.nextDouble(-2, 2);
                }
                return sampler.next(row);
              })
              .boxed()
              .toList());
    }
    assertEquals(texts.get(0), texts.get(1));
    assertNotEquals(texts.get(0), texts.get(2));
  }

  @Test
  void logProbabilitiesAreOfTheRawLogits() {
    LogProbabilities of = LogProbabilities.of(new float[] {0, 1, 3, 1}, 1, 3);
    double total = Math.log(1 + 2 * Math.E + Math.exp(3));
    assertEquals(1 - total, of.logprob(), 1e-12);
    assertArrayEquals(new int[] {2, 1, 3}, of.top());
    assertArrayEquals(new double[] {3 - total, 1 - total, 1 - total}, of.topLogprobs(), 1e-12);
  }

  @Test
  void notANumberIsAnError() {
    float[] logits = {1, 2, Float.NaN, 3};
    for (double temperature : new double[] {0, 1}) {
      Sampler sampler = new Sampler(new SamplingOptions(temperature, 0, 1, 0, 1, 0), new int[0]);
      NotANumberException e =
          assertThrows(NotANumberException.class, () -> sampler.next(logits.clone()));
      assertTrue(e.getMessage().contains("token 2"), e.getMessage());
    }
  }

  @Test
  void optionsWithoutMeaningAreRefused() {
    for (double[] o :
        new double[][] {
          {-1, 0, 1, 0, 1},
          {Double.NaN, 0, 1, 0, 1},
          {1, -1, 1, 0, 1},
          {1, 0, 0, 0, 1},
          {1, 0, 1.1, 0, 1},
          {1, 0, 1, 2, 1},
          {1, 0, 1, 0, 0}
        }) {
      assertThrows(
          InvalidInputException.class,
          () -> new SamplingOptions(o[0], (int) o[1], o[2], o[3], o[4], 0));
    }
  }
}
