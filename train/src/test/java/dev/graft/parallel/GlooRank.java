package dev.graft.parallel;

import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;

/** One process of a group: {@code PORT RANK SIZE TIMEOUT_MILLIS SCENARIO}. */
final class GlooRank {
  /**
   * Below and above the length from which sums are made in two steps, and lengths no rank count
   * divides.
   */
  private static final int[] LENGTHS = {0, 1, 576, 4095, 4096, 4097, 50_001, 2};

  private GlooRank() {}

  static void main(String[] args) throws Exception {
    int rank = Integer.parseInt(args[1]);
    int size = Integer.parseInt(args[2]);
    Duration timeout = Duration.ofMillis(Long.parseLong(args[3]));
    try (Rendezvous rendezvous =
            Rendezvous.connect("127.0.0.1", Integer.parseInt(args[0]), timeout);
        Collective group = rendezvous.join(rank, size)) {
      System.out.println("result " + play(group, args[4]));
    } catch (PeerLostException e) {
      System.out.println("lost " + e.rank() + ": " + e.getMessage());
    }
  }

  /** What every rank does. */
  static String play(Collective group, String scenario) {
    return switch (scenario) {
      case "exchange" -> exchange(group);
      case "work" -> work(group, -1);
      case "abort" -> work(group, 5);
      case "idle" -> {
        group.barrier();
        yield Arrays.toString(group.broadcast(new byte[0]));
      }
      default -> throw new IllegalArgumentException(scenario);
    };
  }

  private static String exchange(Collective group) {
    int hash = 1;
    for (int call = 0; call < 40; call++) {
      int length = LENGTHS[call % LENGTHS.length];
      float[] values = new float[length + 5];
      System.arraycopy(summands(group.rank(), call, length), 0, values, 3, length);
      group.allReduceSum(values, 3, length);
      hash = 31 * hash + Arrays.hashCode(values);
    }
    int[] lengths = {3, 0, 4};
    float[] part = new float[6];
    for (int i = 0; i < lengths[group.rank()]; i++) {
      part[2 + i] = 10 * group.rank() + i;
    }
    float[] all = new float[7];
    group.allGather(part, 2, lengths, all);
    StringBuilder said = new StringBuilder();
    for (String text : new String[] {"", "abc", "x".repeat(100_000)}) {
      byte[] mine = group.rank() == 0 ? text.getBytes(StandardCharsets.UTF_8) : new byte[0];
      said.append(new String(group.broadcast(mine), StandardCharsets.UTF_8).length()).append(' ');
    }
    group.barrier();
    return hash + " " + Arrays.toString(all) + " " + said;
  }

  /** What {@link #exchange} says when the sums are made by one loop. */
  static String expectedExchange(int size) {
    int hash = 1;
    for (int call = 0; call < 40; call++) {
      int length = LENGTHS[call % LENGTHS.length];
      float[] values = new float[length + 5];
      System.arraycopy(summands(0, call, length), 0, values, 3, length);
      for (int r = 1; r < size; r++) {
        float[] part = summands(r, call, length);
        for (int i = 0; i < length; i++) {
          values[3 + i] += part[i];
        }
      }
      hash = 31 * hash + Arrays.hashCode(values);
    }
    return hash + " [0.0, 1.0, 2.0, 20.0, 21.0, 22.0, 23.0] 0 3 100000 ";
  }

  private static float[] summands(int rank, int call, int length) {
    SplittableRandom random = new SplittableRandom(31L * call + rank);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) Math.scalb(random.nextDouble() - 0.5, random.nextInt(-20, 20));
    }
    return values;
  }

  /** Sums until a rank is lost, or for so long that the test has failed. */
  private static String work(Collective group, int abortAt) {
    long began = System.nanoTime();
    for (int call = 0; System.nanoTime() - began < 60e9; call++) {
      if (call == 3) {
        System.out.println("working");
      }
      if (call == abortAt && group.rank() == 1) {
        group.abort("it failed: disk full");
        return "gave up";
      }
      group.allReduceSum(new float[1000 + 5000 * (call & 1)], 0, 1000 + 5000 * (call & 1));
    }
    return "nobody was lost";
  }
}
