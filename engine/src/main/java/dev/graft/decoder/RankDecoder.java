package dev.graft.decoder;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.kernel.MatrixVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One rank's part of every step. All ranks of a group compute the same list of chunks. */
final class RankDecoder {
  private final Rank rank;
  private final PrefillPass prefill;
  private final DecodePass decode;
  private final OutputHead head;
  private final Reused room = new Reused();

  RankDecoder(Rank rank) {
    this.rank = rank;
    MatrixVector products = new MatrixVector(rank.kernels(), rank.workers());
    this.prefill = new PrefillPass(rank);
    this.decode = new DecodePass(rank, products);
    this.head = new OutputHead(rank, products);
  }

  /** Computes a step; every rank gives out the same logits. */
  float[][] step(List<Chunk> chunks, ScoredRows scored) {
    List<Numbered> many = new ArrayList<>();
    List<Numbered> single = new ArrayList<>();
    for (int c = 0; c < chunks.size(); c++) {
      Chunk chunk = chunks.get(c);
      (chunk.phase() == Phase.PREFILL ? many : single).add(new Numbered(c, chunk));
    }
    List<Numbered> order = new ArrayList<>();
    List<float[]> hidden = new ArrayList<>();
    if (!many.isEmpty()) {
      order.addAll(many);
      hidden.addAll(prefill.run(many, scored));
    }
    if (!single.isEmpty()) {
      order.addAll(single);
      hidden.addAll(decode.run(single));
    }
    return logits(chunks.size(), order, hidden);
  }

  private float[][] logits(int chunks, List<Numbered> order, List<float[]> hidden) {
    ModelSpec spec = rank.weights().spec();
    int width = spec.hiddenSize();
    int rows = 0;
    for (float[] part : hidden) {
      rows += part.length / width;
    }
    float[] all = new float[rows * width];
    int at = 0;
    for (float[] part : hidden) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    float[] logits = room.atLeast(Math.multiplyExact(rows, spec.vocabSize()));
    if (rows > 0) {
      head.run(all, rows, logits);
    }
    float[][] result = new float[chunks][];
    int[] from = new int[order.size() + 1];
    for (int i = 0; i < order.size(); i++) {
      from[i + 1] = from[i] + hidden.get(i).length / width * spec.vocabSize();
    }
    rank.workers()
        .run(
            order.size(),
            (i, _) ->
                result[order.get(i).number()] = Arrays.copyOfRange(logits, from[i], from[i + 1]));
    return result;
  }
}
