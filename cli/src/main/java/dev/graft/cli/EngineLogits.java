package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Forward;
import dev.graft.decoder.Phase;
import dev.graft.decoder.RoutingObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Logits from the inference engine: the prompt as prefill, the text that follows as decode. */
final class EngineLogits implements RoutingObserver {
  private static final int STEP = 512;

  private final int[] prompt;
  private final int topK;
  private final int[][] experts;
  private final float[][] weights;
  private int stepFrom;

  EngineLogits(ModelSpec spec, long[] ids) {
    prompt = Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    topK = spec.moe().map(moe -> moe.topK()).orElse(0);
    int layers = spec.moe().isPresent() ? spec.numHiddenLayers() : 0;
    experts = new int[layers][prompt.length * topK];
    weights = new float[layers][prompt.length * topK];
  }

  /** Pages for the prompt and what follows. */
  static int pages(Checkpoint checkpoint, int tokens) {
    return Math.ceilDiv(
        Math.min(tokens, checkpoint.spec().maxPositionEmbeddings()), KeyValuePages.SIZE);
  }

  @Override
  public void routed(int layer, int chunk, int token, int[] chosen, float[] shares) {
    int at = (stepFrom + token) * topK;
    if (at < experts[layer].length) {
      System.arraycopy(chosen, 0, experts[layer], at, topK);
      System.arraycopy(shares, 0, weights[layer], at, topK);
    }
  }

  /**
   * Computes.
   *
   * @param forward has this as its observer
   * @param all every position rather than the last
   * @param greedy tokens to go on with
   */
  Logits run(Forward forward, boolean all, int greedy) {
    int vocab = forward.spec().vocabSize();
    int[] table = IntStream.range(0, forward.pageCount()).toArray();
    float[] logits = new float[all ? Math.multiplyExact(prompt.length, vocab) : vocab];
    float[] last = {};
    for (stepFrom = 0; stepFrom < prompt.length; stepFrom += STEP) {
      int to = Math.min(prompt.length, stepFrom + STEP);
      int wanted = all ? to - stepFrom : 1;
      int[] ids = Arrays.copyOfRange(prompt, stepFrom, to);
      float[] rows =
          forward.step(List.of(new Chunk(ids, stepFrom, table, Phase.PREFILL, wanted)))[0];
      System.arraycopy(rows, 0, logits, all ? stepFrom * vocab : 0, rows.length);
      last = Arrays.copyOfRange(rows, rows.length - vocab, rows.length);
    }
    stepFrom = prompt.length; // what follows is not part of the routing that is shown
    long[] text = new long[greedy];
    for (int i = 0; i < greedy; i++) {
      int best = best(last);
      text[i] = best;
      if (i + 1 < greedy) {
        last =
            forward
                .step(
                    List.of(
                        new Chunk(new int[] {best}, prompt.length + i, table, Phase.DECODE, 1)))[0];
      }
    }
    List<Logits.Routing> routing = new ArrayList<>();
    for (int l = 0; l < experts.length; l++) {
      routing.add(new Logits.Routing(topK, experts[l], weights[l]));
    }
    return new Logits(logits, routing, text);
  }

  private static int best(float[] row) {
    int best = 0;
    for (int v = 1; v < row.length; v++) {
      best = row[v] > row[best] ? v : best;
    }
    return best;
  }
}
