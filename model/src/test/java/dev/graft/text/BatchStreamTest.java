package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchStreamTest {
  private static final int S = 4;

  @TempDir Path folder;

  /** Documents of 7 tokens, numbered on from {@code first}, so that a token tells where it is. */
  private Path dataset(String name, int first, int documents) throws IOException {
    Path prefix = folder.resolve(name);
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, 60_000)) {
      for (int d = 0; d < documents; d++) {
        writer.add(IntStream.range(first + 7 * d, first + 7 * (d + 1)).toArray());
      }
      writer.commit();
    }
    return prefix;
  }

  private static BatchStream open(long seed, WeightedTokens... sources) throws IOException {
    return BatchStream.open(List.of(sources), S, seed, false);
  }

  private List<WeightedTokens> sevenTwoOne() throws IOException {
    return List.of(
        new WeightedTokens(dataset("web", 0, 40), 7),
        new WeightedTokens(dataset("code", 10_000, 30), 2),
        new WeightedTokens(dataset("maths", 20_000, 9), 1));
  }

  private static long[] firsts(BatchStream stream, int samples) {
    long[] firsts = new long[samples];
    for (int i = 0; i < samples; i++) {
      firsts[i] = stream.next(1).ids()[0];
    }
    return firsts;
  }

  @Test
  void targetsAreTheNextTokensAcrossDocuments() throws IOException {
    try (BatchStream stream = open(1, new WeightedTokens(dataset("a", 0, 10), 1))) {
      Batch batch = stream.next(9);
      assertEquals(9, batch.size());
      assertEquals(S, batch.sequenceLength());
      for (int row = 0; row < 9; row++) {
        assertEquals(0, batch.ids()[row * S] % S);
        for (int i = 0; i < S; i++) {
          assertEquals(batch.ids()[row * S] + i, batch.ids()[row * S + i]);
          assertEquals(batch.ids()[row * S + i] + 1, batch.targets()[row * S + i]);
        }
      }
      assertTrue(batch.lossMask().isEmpty());
      assertTrue(batch.documents().isEmpty());
    }
  }

  @Test
  void everyEpochHasEveryWindowOnceInAnOrderOfItsOwn() throws IOException {
    try (BatchStream stream = open(5, new WeightedTokens(dataset("a", 0, 100), 1))) {
      long windows = (7 * 100 - 1) / S;
      long[] all = IntStream.range(0, (int) windows).mapToLong(w -> (long) w * S).toArray();
      List<long[]> epochs = new ArrayList<>();
      for (int epoch = 0; epoch < 4; epoch++) {
        long[] order = firsts(stream, (int) windows);
        long[] sorted = order.clone();
        Arrays.sort(sorted);
        assertArrayEquals(all, sorted);
        for (long[] earlier : epochs) {
          assertTrue(!Arrays.equals(earlier, order));
        }
        epochs.add(order);
      }
    }
  }

  @Test
  void permutationsOfAnySizeArePermutations() {
    for (int size : new int[] {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000}) {
      Permutation order = Permutation.of(size, 9, 1, 2);
      long[] values = IntStream.range(0, size).mapToLong(order::at).sorted().toArray();
      assertArrayEquals(IntStream.range(0, size).asLongStream().toArray(), values);
    }
  }

  /** Seven sequences of the first in ten, two of the second, one of the third, at any moment. */
  @Test
  void datasetsMixSevenToTwoToOne() throws IOException {
    try (BatchStream stream = BatchStream.open(sevenTwoOne(), S, 1, false)) {
      int[] taken = new int[3];
      for (int samples = 1; samples <= 3000; samples++) {
        taken[(int) (stream.next(1).ids()[0] / 10_000)]++;
        assertEquals(0.7 * samples, taken[0], 1);
        assertEquals(0.2 * samples, taken[1], 1);
        assertEquals(0.1 * samples, taken[2], 1);
      }
      assertArrayEquals(new int[] {2100, 600, 300}, taken);
      assertEquals(3000, stream.position());
    }
  }

  @Test
  void theSeedDecidesTheOrderAndNothingElseDoes() throws IOException {
    List<WeightedTokens> sources = sevenTwoOne();
    try (BatchStream one = BatchStream.open(sources, S, 1, false);
        BatchStream again = BatchStream.open(sources, S, 1, false);
        BatchStream other = BatchStream.open(sources, S, 2, false)) {
      long[] order = firsts(one, 500);
      Batch whole = again.next(500);
      assertArrayEquals(
          order, IntStream.range(0, 500).mapToLong(i -> whole.ids()[i * S]).toArray());
      assertNotEquals(Arrays.toString(order), Arrays.toString(firsts(other, 500)));
    }
  }

  @Test
  void seekIsReplay() throws IOException {
    List<WeightedTokens> sources = sevenTwoOne();
    for (List<WeightedTokens> mix : List.of(sources, sources.subList(0, 1))) {
      try (BatchStream straight = BatchStream.open(mix, S, 8, true);
          BatchStream sought = BatchStream.open(mix, S, 8, true)) {
        List<Batch> batches = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
          batches.add(straight.next(7));
        }
        for (int at : new int[] {59, 0, 1, 33, 12}) {
          sought.seek(at * 7L);
          assertEquals(at * 7L, sought.position());
          for (int i = at; i < Math.min(60, at + 3); i++) {
            Batch batch = sought.next(7);
            assertArrayEquals(batches.get(i).ids(), batch.ids());
            assertArrayEquals(batches.get(i).targets(), batch.targets());
            assertArrayEquals(
                batches.get(i).documents().orElseThrow(), batch.documents().orElseThrow());
          }
        }
      }
    }
  }

  @Test
  void documentsAreNumberedPerPosition() throws IOException {
    Path prefix = folder.resolve("docs");
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, 100)) {
      for (int length : new int[] {2, 1, 0, 6, 4}) {
        writer.add(new int[length]);
      }
      writer.commit();
    }
    try (ValidationBatches batches = ValidationBatches.open(prefix, S, true)) {
      assertEquals(3, batches.count());
      assertArrayEquals(
          new int[] {0, 0, 1, 3, 0, 0, 0, 0, 0, 1, 1, 1},
          batches.at(0, 3).documents().orElseThrow());
    }
  }

  @Test
  void theLossMaskIsThatOfTheTargets() throws IOException {
    Path masked = folder.resolve("masked");
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(masked, 100)) {
      writer.add(
          new int[] {10, 11, 12, 13, 14},
          Optional.of(new boolean[] {false, false, true, false, true}));
      writer.commit();
    }
    try (ValidationBatches batches = ValidationBatches.open(masked, S, false)) {
      Batch batch = batches.at(0, 1);
      assertArrayEquals(new long[] {11, 12, 13, 14}, batch.targets());
      assertArrayEquals(new float[] {0, 1, 0, 1}, batch.lossMask().orElseThrow());
    }
    try (BatchStream stream =
        open(1, new WeightedTokens(masked, 1), new WeightedTokens(dataset("plain", 50, 2), 1))) {
      Batch batch = stream.next(2);
      for (int row = 0; row < 2; row++) {
        float[] mask = Arrays.copyOfRange(batch.lossMask().orElseThrow(), row * S, (row + 1) * S);
        assertArrayEquals(
            batch.ids()[row * S] < 50 ? new float[] {0, 1, 0, 1} : new float[] {1, 1, 1, 1}, mask);
      }
    }
  }

  @Test
  void validationIsInOrderAndLeavesTheRestOut() throws IOException {
    try (ValidationBatches batches = ValidationBatches.open(dataset("v", 0, 3), S, false)) {
      assertEquals(5, batches.count()); // of 21 tokens the last is a target only
      assertArrayEquals(IntStream.range(8, 16).asLongStream().toArray(), batches.at(2, 2).ids());
    }
  }

  @Test
  void mistakesAreNamed() throws IOException {
    Path small = dataset("small", 0, 1);
    for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertTrue(
          assertThrows(
                  InvalidInputException.class, () -> open(1, new WeightedTokens(small, weight)))
              .getMessage()
              .startsWith(small + ": its weight is "));
    }
    String message =
        assertThrows(
                InvalidInputException.class,
                () -> BatchStream.open(List.of(new WeightedTokens(small, 1)), 7, 1, false))
            .getMessage();
    assertTrue(message.startsWith(small + ".bin: 7 tokens are fewer than one sequence of 7"));
    BatchStream.open(List.of(new WeightedTokens(small, 1)), 6, 1, false).close();
    assertThrows(InvalidInputException.class, () -> open(1));
  }
}
