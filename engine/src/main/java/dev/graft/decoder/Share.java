package dev.graft.decoder;

import dev.graft.attention.HeadMap;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.RankSlice;
import java.util.Arrays;

/**
 * The part of a model that one rank computes.
 *
 * @param heads its heads
 * @param columnFrom first column of the FFN, or of each expert
 * @param columnTo end of the columns
 * @param vocabularyFrom first row of the output head
 * @param vocabularyTo end of the rows
 */
record Share(HeadMap heads, int columnFrom, int columnTo, int vocabularyFrom, int vocabularyTo) {
  /** The whole model. */
  static Share whole(ModelSpec spec) {
    HeadMap heads =
        new HeadMap(
            0,
            spec.numAttentionHeads(),
            spec.numAttentionHeads() / spec.numKeyValueHeads(),
            spec.headDim());
    return new Share(heads, 0, spec.intermediateSize(), 0, spec.vocabSize());
  }

  /** What a layout gives a rank. */
  static Share of(ModelSpec spec, RankSlice slice) {
    HeadMap heads =
        new HeadMap(
            slice.heads().from(),
            slice.heads().to(),
            spec.numAttentionHeads() / spec.numKeyValueHeads(),
            spec.headDim());
    return new Share(
        heads,
        slice.columns().from(),
        slice.columns().to(),
        slice.vocabulary().from(),
        slice.vocabulary().to());
  }

  /** Zeroes rows of logits where other ranks' parts will be added. */
  void clear(float[] logits, int rows, int vocab) {
    if (vocabularyTo - vocabularyFrom < vocab) {
      Arrays.fill(logits, 0, rows * vocab, 0);
    }
  }

  /** Columns of this rank. */
  int columns() {
    return columnTo - columnFrom;
  }
}
