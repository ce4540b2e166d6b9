package dev.graft.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.RopeScaling;
import dev.graft.checkpoint.RopeSpec;
import dev.graft.sample.NextToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
  private static final int VOCAB = 1000;
  private static final int STEPS = 100_000;

  private static ModelSpec spec(int context) {
    return new ModelSpec(
        Family.LLAMA,
        VOCAB,
        8,
        8,
        1,
        1,
        1,
        8,
        1e-5,
        new RopeSpec(10_000, new RopeScaling.None()),
        context,
        true,
        false,
        false,
        false,
        false,
        OptionalInt.empty(),
        0.02,
        Optional.empty());
  }

  /** A request and what came of it. */
  private static final class Asked implements NextToken {
    private final int[] prompt;
    private final int maxTokens;
    private final List<Integer> answer = new ArrayList<>();
    private final List<Integer> within = new ArrayList<>();
    private int from;
    private Generation generation;

    Asked(int[] prompt, int maxTokens) {
      this.prompt = prompt;
      this.maxTokens = maxTokens;
    }

    Asked submit(Scheduler scheduler) {
      generation = scheduler.submit(new Request(prompt, maxTokens, this));
      return this;
    }

    /** Asks for the logits within the prompt from a position on, too. */
    Asked submitScored(Scheduler scheduler, int first) {
      from = first;
      generation =
          scheduler.submit(
              new Request(
                  prompt,
                  maxTokens,
                  this,
                  Optional.of(
                      new Request.Scoring(
                          from,
                          (position, logits, at) -> {
                            assertEquals(from + within.size(), position);
                            assertTrue(answer.isEmpty());
                            within.add(best(Arrays.copyOfRange(logits, at, at + VOCAB)));
                          }))));
      return this;
    }

    private static int best(float[] logits) {
      int best = 0;
      for (int v = 1; v < logits.length; v++) {
        best = logits[v] > logits[best] ? v : best;
      }
      return best;
    }

    @Override
    public Choice choose(float[] logits) {
      assertEquals(VOCAB, logits.length);
      int best = best(logits);
      answer.add(best);
      return new Choice(best, best % 997 == 0);
    }

    int[] answer() {
      return answer.stream().mapToInt(Integer::intValue).toArray();
    }

    int[] expected(HashingForward forward) {
      int[] all = forward.alone(prompt, maxTokens);
      int count =
          IntStream.range(0, all.length)
              .filter(i -> all[i] % 997 == 0)
              .map(i -> i + 1)
              .findFirst()
              .orElse(all.length);
      return Arrays.copyOf(all, count);
    }
  }

  private static void drain(Scheduler scheduler) {
    for (int i = 0; i < STEPS && !scheduler.isIdle(); i++) {
      scheduler.step();
    }
    assertTrue(scheduler.isIdle(), "requests starve");
  }

  private static int[] ids(SplittableRandom random, int count) {
    return random.ints(count, 0, VOCAB).toArray();
  }

  private static int[] join(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  /** Many requests with common beginnings, few pages, some cancelled: each answer as if alone. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void answersAreThoseOfRequestsThatAreAlone(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    HashingForward forward = new HashingForward(spec(512), 16 + random.nextInt(40));
    Scheduler scheduler =
        new Scheduler(
            forward,
            new SchedulerOptions(
                1 + random.nextInt(8), 1 + random.nextInt(200), 1 + random.nextInt(50)));
    int[][] beginnings =
        IntStream.range(0, 3).mapToObj(i -> ids(random, random.nextInt(150))).toArray(int[][]::new);
    List<Asked> asked = new ArrayList<>();
    List<Asked> scored = new ArrayList<>();
    List<Asked> cancelled = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      int[] prompt = join(beginnings[random.nextInt(3)], ids(random, 1 + random.nextInt(120)));
      Asked next = new Asked(prompt, 1 + random.nextInt(100));
      if (random.nextInt(4) == 0) {
        scored.add(next.submitScored(scheduler, random.nextInt(prompt.length)));
      } else {
        next.submit(scheduler);
      }
      asked.add(next);
      for (int step = random.nextInt(12); step > 0; step--) {
        scheduler.step();
      }
      if (random.nextInt(6) == 0) {
        Asked victim = asked.get(random.nextInt(asked.size()));
        victim.generation.cancel();
        cancelled.add(victim);
      }
    }
    drain(scheduler);
    for (Asked one : asked) {
      Finish finish = one.generation.done().join();
      int[] expected = one.expected(forward);
      if (finish == Finish.CANCELLED) {
        assertTrue(cancelled.contains(one));
        assertArrayEquals(Arrays.copyOf(expected, one.answer.size()), one.answer());
      } else {
        assertArrayEquals(expected, one.answer());
        assertEquals(
            expected[expected.length - 1] % 997 == 0 ? Finish.STOP : Finish.LENGTH, finish);
      }
    }
    for (Asked one : scored) {
      int[] within = one.within.stream().mapToInt(Integer::intValue).toArray();
      int[] all = forward.within(one.prompt);
      int[] expected = Arrays.copyOfRange(all, one.from, all.length);
      assertArrayEquals(
          one.answer.isEmpty() ? Arrays.copyOf(expected, within.length) : expected, within);
    }
    assertEquals(0, scheduler.state().pagesUsed());
    assertEquals(0, scheduler.state().running() + scheduler.state().waiting());
  }

  @Test
  void pagesRunOutAndTheYoungestWaits() {
    HashingForward forward = new HashingForward(spec(512), 10);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    SplittableRandom random = new SplittableRandom(1);
    Asked first = new Asked(ids(random, 100), 200).submit(scheduler);
    Asked second = new Asked(ids(random, 100), 200).submit(scheduler);
    drain(scheduler);
    assertArrayEquals(first.expected(forward), first.answer());
    assertArrayEquals(second.expected(forward), second.answer());
    assertTrue(scheduler.state().preemptions() > 0);
  }

  @Test
  void aPromptIsComputedOnceForAllThatBeginWithIt() {
    HashingForward forward = new HashingForward(spec(4096), 100);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    SplittableRandom random = new SplittableRandom(1);
    int[] system = ids(random, 1000);
    new Asked(join(system, ids(random, 5)), 1).submit(scheduler);
    drain(scheduler);
    int before = forward.widths().stream().mapToInt(Integer::intValue).sum();
    Asked second = new Asked(join(system, ids(random, 5)), 1).submit(scheduler);
    drain(scheduler);
    int computed = forward.widths().stream().mapToInt(Integer::intValue).sum() - before;
    assertEquals(1005 - 992, computed);
    assertEquals(992, scheduler.state().prefixTokens());
    assertArrayEquals(second.expected(forward), second.answer());
  }

  @Test
  void aScoredPromptSharesWhatComesBeforeItsScores() {
    HashingForward forward = new HashingForward(spec(4096), 100);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    SplittableRandom random = new SplittableRandom(1);
    int[] shots = ids(random, 1000);
    new Asked(join(shots, ids(random, 5)), 1).submit(scheduler);
    drain(scheduler);
    Asked scored = new Asked(join(shots, ids(random, 100)), 1).submitScored(scheduler, 999);
    drain(scheduler);
    assertEquals(992, scheduler.state().prefixTokens());
    assertArrayEquals(
        Arrays.copyOfRange(forward.within(scored.prompt), 999, 1099),
        scored.within.stream().mapToInt(Integer::intValue).toArray());
    assertArrayEquals(scored.expected(forward), scored.answer());
  }

  @Test
  void aSingleTokenNeedsNoRoom() {
    HashingForward forward = new HashingForward(spec(320), 10);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    Asked full = new Asked(ids(new SplittableRandom(1), 320), 1).submit(scheduler);
    drain(scheduler);
    assertArrayEquals(full.expected(forward), full.answer());
    assertRefused(scheduler, new int[321], "the model's context is 320 tokens");
  }

  @Test
  void aLongPromptDoesNotStallThoseThatDecode() {
    HashingForward forward = new HashingForward(spec(4096), 200);
    Scheduler scheduler = new Scheduler(forward, new SchedulerOptions(16, 512, 128));
    SplittableRandom random = new SplittableRandom(1);
    Asked stream = new Asked(ids(random, 10), 90).submit(scheduler);
    scheduler.step();
    Asked late = new Asked(ids(random, 2000), 1).submit(scheduler);
    int before = stream.answer.size();
    int steps = 0;
    while (late.answer.isEmpty()) {
      scheduler.step();
      steps++;
      assertTrue(forward.widths().getLast() <= 129);
    }
    assertEquals(before + steps, stream.answer.size());
  }

  /** The rest of a prompt takes a whole panel of the step, so the next prompt has one less. */
  @Test
  void piecesBesideDecodeFillWholePanels() {
    HashingForward forward = new HashingForward(spec(4096), 200);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    SplittableRandom random = new SplittableRandom(2);
    new Asked(ids(random, 10), 90).submit(scheduler);
    scheduler.step();
    int before = forward.pieces().size();
    new Asked(ids(random, 91), 1).submit(scheduler);
    new Asked(ids(random, 100), 1).submit(scheduler);
    Asked last = new Asked(ids(random, 5), 1).submit(scheduler);
    while (last.answer.isEmpty()) {
      scheduler.step();
    }
    assertEquals(
        List.of(List.of(64), List.of(27, 32), List.of(64), List.of(4, 5)),
        forward.pieces().subList(before, forward.pieces().size()));
  }

  @Test
  void whatCannotRunIsRefusedWhenItIsSubmitted() {
    HashingForward forward = new HashingForward(spec(512), 10);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    assertRefused(scheduler, new int[0], "the prompt is empty");
    assertRefused(scheduler, new int[] {1, VOCAB}, "token id 1000 is out of range");
    assertRefused(scheduler, new int[] {-1}, "token id -1 is out of range");
    assertRefused(scheduler, new int[320], "has 10 pages for 320 tokens");
    Scheduler roomy =
        new Scheduler(new HashingForward(spec(512), 100), SchedulerOptions.standard());
    assertRefused(roomy, new int[512], "the model's context is 512 tokens");
    assertTrue(scheduler.isIdle());
    assertFalse(scheduler.step());
  }

  private static void assertRefused(Scheduler scheduler, int[] prompt, String says) {
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> new Asked(prompt, 2).submit(scheduler));
    assertTrue(e.getMessage().contains(says), e.getMessage());
  }

  @Test
  void aRequestThatFailsFailsAlone() {
    HashingForward forward = new HashingForward(spec(512), 20);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    SplittableRandom random = new SplittableRandom(1);
    Asked good = new Asked(ids(random, 40), 20).submit(scheduler);
    Generation bad =
        scheduler.submit(
            new Request(
                ids(random, 40),
                20,
                logits -> {
                  throw new IllegalArgumentException("no");
                }));
    drain(scheduler);
    assertArrayEquals(good.expected(forward), good.answer());
    assertEquals(
        "no", assertThrows(CompletionException.class, bad.done()::join).getCause().getMessage());
    assertEquals(0, scheduler.state().pagesUsed());
  }

  @Test
  void allCanBeEndedAtOnce() {
    Scheduler scheduler =
        new Scheduler(new HashingForward(spec(512), 40), new SchedulerOptions(1, 64, 64));
    SplittableRandom random = new SplittableRandom(1);
    List<Asked> asked =
        IntStream.range(0, 3)
            .mapToObj(i -> new Asked(ids(random, 20), 20).submit(scheduler))
            .toList();
    scheduler.step();
    scheduler.failAll(new IllegalStateException("gone"));
    assertTrue(scheduler.isIdle());
    for (Asked one : asked) {
      assertThrows(CompletionException.class, one.generation.done()::join);
    }
    scheduler.step();
    assertEquals(0, scheduler.state().pagesUsed());
  }

  @Test
  void anAnswerEndsWhereTheContextDoes() {
    HashingForward forward = new HashingForward(spec(64), 20);
    Scheduler scheduler = new Scheduler(forward, SchedulerOptions.standard());
    Generation generation =
        scheduler.submit(new Request(new int[60], 100, logits -> new NextToken.Choice(1, false)));
    drain(scheduler);
    assertEquals(Finish.LENGTH, generation.done().join());
    assertEquals(60 + 3, forward.widths().stream().mapToInt(Integer::intValue).sum());
  }
}
