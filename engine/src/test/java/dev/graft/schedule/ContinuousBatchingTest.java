package dev.graft.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.peers.Shared;
import dev.graft.sample.NextToken;
import dev.graft.sample.Sampler;
import dev.graft.sample.SamplingOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real engine under the scheduler: each sequence's logits, bit for bit, as if it were alone.
 */
class ContinuousBatchingTest {
  private static final int FEW_PAGES = 14;

  @ParameterizedTest
  @ValueSource(
      strings = {"models/stories260k", "golden/tiny-skywork-moe", "golden/tiny-skywork-moe-fp8"})
  void logitsDoNotDependOnTheBatch(String model) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path(model))) {
      int vocab = checkpoint.spec().vocabSize();
      int context = Math.min(200, checkpoint.spec().maxPositionEmbeddings());
      SplittableRandom random = new SplittableRandom(7);
      int[] common = random.ints(40, 0, vocab).toArray();
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        int[] prompt = Arrays.copyOf(common, 40 + random.nextInt(60));
        for (int t = i % 3 == 0 ? 0 : 40; t < prompt.length; t++) {
          prompt[t] = random.nextInt(vocab);
        }
        prompts.add(prompt);
      }
      List<Seen> alone = new ArrayList<>();
      for (int i = 0; i < prompts.size(); i++) {
        List<int[]> prompt = prompts.subList(i, i + 1);
        alone.addAll(run(checkpoint, prompt, i, context, 8, true));
        assertEquals(
            run(checkpoint, prompt, i, context, 8, false).getFirst().answer(),
            alone.getLast().answer(),
            "scored or not");
      }
      assertTrue(alone.stream().distinct().count() == prompts.size());
      // Few enough pages that some are preempted.
      assertEquals(alone, run(checkpoint, prompts, 0, context, FEW_PAGES, true));
      assertEquals(alone, run(checkpoint, prompts, 0, context, 60, true));
    }
  }

  /**
   * Hashes of all bits of every row of logits.
   *
   * @param scores of those within the prompt
   * @param answer of those that choose, and the tokens drawn
   */
  private record Seen(List<Integer> scores, List<Integer> answer) {}

  private static List<Seen> run(
      Checkpoint checkpoint,
      List<int[]> prompts,
      int firstSeed,
      int context,
      int pages,
      boolean scored) {
    try (Decoder decoder = new Decoder(checkpoint, DecoderOptions.of(pages))) {
      int vocab = decoder.spec().vocabSize();
      Scheduler scheduler = new Scheduler(decoder, new SchedulerOptions(6, 48, 24));
      List<Seen> answers = new ArrayList<>();
      for (int i = 0; i < prompts.size(); i++) {
        Seen seen = new Seen(new ArrayList<>(), new ArrayList<>());
        answers.add(seen);
        int from = (firstSeed + i) * 5;
        Sampler sampler =
            new Sampler(new SamplingOptions(1, 0, 1, 0, 1, firstSeed + i), prompts.get(i));
        scheduler.submit(
            new Request(
                prompts.get(i),
                Math.min(50, context - prompts.get(i).length),
                logits -> {
                  seen.answer().add(Arrays.hashCode(logits));
                  int token = sampler.next(logits);
                  seen.answer().add(token);
                  return new NextToken.Choice(token, false);
                },
                scored && (firstSeed + i) % 2 == 0
                    ? Optional.of(
                        new Request.Scoring(
                            from,
                            (position, logits, at) -> {
                              assertEquals(from + seen.scores().size(), position);
                              seen.scores()
                                  .add(Arrays.hashCode(Arrays.copyOfRange(logits, at, at + vocab)));
                            }))
                    : Optional.empty()));
        scheduler.step();
      }
      for (int step = 0; step < 10_000 && !scheduler.isIdle(); step++) {
        scheduler.step();
      }
      assertTrue(scheduler.isIdle());
      assertEquals(pages == FEW_PAGES, scheduler.state().preemptions() > 0);
      return answers;
    }
  }
}
