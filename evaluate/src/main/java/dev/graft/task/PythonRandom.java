package dev.graft.task;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.commons.rng.core.source32.MersenneTwister;

/**
 * Draws as Python's {@code random.Random} does, so that random examples are
 * lm-evaluation-harness's.
 */
final class PythonRandom {
  /** lm-evaluation-harness's {@code fewshot_random_seed}. */
  static final int FEWSHOT_SEED = 1234;

  private final MersenneTwister twister;

  PythonRandom(int seed) {
    twister = new MersenneTwister(new int[] {seed});
  }

  /** {@code random.sample(population, count)}. */
  <T> List<T> sample(List<T> population, int count) {
    int size = population.size();
    List<T> drawn = new ArrayList<>();
    int few = 21;
    if (count > 5) {
      few += (int) Math.pow(4, Math.ceil(Math.log(count * 3) / Math.log(4)));
    }
    if (size <= few) {
      List<T> pool = new ArrayList<>(population);
      for (int i = 0; i < count; i++) {
        int at = below(size - i);
        drawn.add(pool.get(at));
        pool.set(at, pool.get(size - i - 1));
      }
      return drawn;
    }
    Set<Integer> taken = new HashSet<>();
    while (drawn.size() < count) {
      int at = below(size);
      if (taken.add(at)) {
        drawn.add(population.get(at));
      }
    }
    return drawn;
  }

  /** {@code random._randbelow(bound)}. */
  private int below(int bound) {
    int bits = 32 - Integer.numberOfLeadingZeros(bound);
    int value;
    do {
      value = twister.nextInt() >>> (32 - bits);
    } while (value >= bound);
    return value;
  }
}
