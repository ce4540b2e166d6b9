package dev.graft.lm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixOrderTest {
  private static final int PAGE = 4;

  private static int[] join(int[] a, int... b) {
    return IntStream.concat(IntStream.of(a), IntStream.of(b)).toArray();
  }

  @Test
  void theFirstOfACommonBeginningGoesAloneAndOthersDoNotWait() {
    int[] shots = {1, 2, 3, 4, 5, 6, 7, 8};
    List<int[]> prompts =
        List.of(join(shots, 9), join(shots, 10), join(shots, 11), new int[] {20, 21, 22, 23, 24});
    PrefixOrder order = new PrefixOrder(prompts, PAGE);
    assertEquals(OptionalInt.of(0), order.next());
    assertEquals(OptionalInt.of(3), order.next());
    assertEquals(OptionalInt.empty(), order.next());
    order.computed(0);
    assertEquals(OptionalInt.of(1), order.next());
    assertEquals(OptionalInt.of(2), order.next());
    assertEquals(OptionalInt.empty(), order.next());
  }

  /** Whatever comes together is computed, each prompt once, and no page twice at one time. */
  @Test
  void everyPromptGoesOnce() {
    SplittableRandom random = new SplittableRandom(1);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      prompts.add(random.ints(1 + random.nextInt(20), 0, 2).toArray());
    }
    PrefixOrder order = new PrefixOrder(prompts, PAGE);
    Set<Integer> seen = new HashSet<>();
    Queue<Integer> underWay = new ArrayDeque<>();
    while (seen.size() < prompts.size() || !underWay.isEmpty()) {
      OptionalInt next = underWay.size() < 8 ? order.next() : OptionalInt.empty();
      if (next.isPresent()) {
        assertTrue(seen.add(next.getAsInt()));
        underWay.add(next.getAsInt());
      } else {
        assertTrue(!underWay.isEmpty(), "prompts starve");
        order.computed(underWay.remove());
      }
    }
    assertEquals(500, seen.size());
  }
}
