package dev.graft.layout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ThreadCollectiveTest {
  private static final Duration LONG = Duration.ofSeconds(50);
  private static final Duration SHORT = Duration.ofMillis(50);

  private interface Body<T> {
    T run(Collective collective) throws Exception;
  }

  private static <T> List<Future<T>> start(int size, Duration timeout, Body<T> body) {
    List<Callable<T>> ranks = new ArrayList<>();
    for (Collective collective : ThreadCollective.group(size, timeout)) {
      ranks.add(() -> body.run(collective));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(size)) {
      return ranks.stream().map(threads::submit).toList();
    }
  }

  private static float[] summands(int rank, int call, int length) {
    SplittableRandom random = new SplittableRandom(31L * call + rank);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) Math.scalb(random.nextDouble() - 0.5, random.nextInt(-20, 20));
    }
    return values;
  }

  private static float[] serialSum(int size, int call, int length) {
    float[] sum = summands(0, call, length);
    for (int r = 1; r < size; r++) {
      float[] part = summands(r, call, length);
      for (int i = 0; i < length; i++) {
        sum[i] += part[i];
      }
    }
    return sum;
  }

  @Test
  void everyRankGetsTheSumInRankOrder() throws Exception {
    int[] lengths = {0, 1, 576, 4095, 4096, 4097, 50_001, 3};
    for (int size : new int[] {1, 2, 3, 5, 9}) {
      List<Future<List<float[]>>> ranks =
          start(
              size,
              LONG,
              collective -> {
                List<float[]> sums = new ArrayList<>();
                for (int call = 0; call < 200; call++) {
                  int length = lengths[call % lengths.length];
                  float[] values = new float[length + 7];
                  System.arraycopy(summands(collective.rank(), call, length), 0, values, 5, length);
                  collective.allReduceSum(values, 5, length);
                  sums.add(values);
                }
                return sums;
              });
      for (int call = 0; call < 200; call++) {
        int length = lengths[call % lengths.length];
        float[] expected = new float[length + 7];
        System.arraycopy(serialSum(size, call, length), 0, expected, 5, length);
        for (Future<List<float[]>> rank : ranks) {
          assertArrayEquals(expected, rank.get().get(call));
        }
      }
    }
  }

  @Test
  void unevenPartsAreGatheredInRankOrder() throws Exception {
    int[] lengths = {3, 0, 4, 1};
    List<Future<float[]>> ranks =
        start(
            4,
            LONG,
            collective -> {
              float[] part = new float[6];
              for (int i = 0; i < lengths[collective.rank()]; i++) {
                part[2 + i] = 10 * collective.rank() + i;
              }
              float[] all = new float[8];
              collective.allGather(part, 2, lengths, all);
              return all;
            });
    for (Future<float[]> rank : ranks) {
      assertArrayEquals(new float[] {0, 1, 2, 20, 21, 22, 23, 30}, rank.get());
    }
  }

  @Test
  void aMessageOfAnyLengthReachesAllAndIsWaitedForBeyondTheTimeout() throws Exception {
    CountDownLatch others = new CountDownLatch(2);
    List<Future<List<String>>> ranks =
        start(
            3,
            SHORT,
            collective -> {
              List<String> received = new ArrayList<>();
              others.countDown();
              if (collective.rank() == 0) {
                others.await();
                TimeUnit.MILLISECONDS.sleep(4 * SHORT.toMillis());
              }
              for (String text : List.of("", "abc", "x".repeat(100_000))) {
                byte[] mine =
                    collective.rank() == 0 ? text.getBytes(StandardCharsets.UTF_8) : new byte[0];
                received.add(new String(collective.broadcast(mine), StandardCharsets.UTF_8));
              }
              return received;
            });
    for (Future<List<String>> rank : ranks) {
      assertEquals(List.of("", "abc", "x".repeat(100_000)), rank.get());
    }
  }

  private static PeerLostException lost(Future<?> rank) {
    Throwable cause = assertThrows(ExecutionException.class, rank::get).getCause();
    return (PeerLostException) cause;
  }

  @Test
  void aRankThatGivesUpEndsTheOthersCallsAtOnce() {
    List<Future<Void>> ranks =
        start(
            3,
            LONG,
            collective -> {
              collective.barrier();
              if (collective.rank() == 1) {
                collective.abort("it failed: disk full");
              } else if (collective.rank() == 2) {
                collective.broadcast(new byte[0]);
              } else {
                collective.allReduceSum(new float[3], 0, 3);
              }
              return null;
            });
    assertEquals("rank 1 of 3 was lost: it failed: disk full", lost(ranks.get(0)).getMessage());
    assertEquals(1, lost(ranks.get(2)).rank());
  }

  @Test
  void aRankThatDoesNotComeIsNamedAfterTheTimeout() throws Exception {
    CountDownLatch seen = new CountDownLatch(2);
    List<Future<Void>> ranks =
        start(
            3,
            SHORT,
            collective -> {
              if (collective.rank() == 2) {
                seen.await();
                return null;
              }
              try {
                collective.barrier();
              } finally {
                seen.countDown();
              }
              return null;
            });
    for (int r = 0; r < 2; r++) {
      PeerLostException lost = lost(ranks.get(r));
      assertEquals(2, lost.rank());
      assertTrue(lost.getMessage().contains("did not answer within 0.05 s"), lost.getMessage());
    }
    ranks.get(2).get();
  }

  @Test
  void leavingAfterTheLastCallHurtsNobodyAndLeavingBeforeItDoes() throws Exception {
    for (int trial = 0; trial < 200; trial++) {
      for (Future<Object> rank :
          start(
              4,
              LONG,
              collective -> {
                try (collective) {
                  collective.barrier();
                }
                return null;
              })) {
        rank.get();
      }
    }
    List<Collective> pair = ThreadCollective.group(2, LONG);
    pair.get(0).close();
    Collective stayed = pair.get(1);
    assertEquals(
        "rank 0 of 2 was lost: it has left the group",
        assertThrows(PeerLostException.class, stayed::barrier).getMessage());
  }
}
