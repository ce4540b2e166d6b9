package dev.graft.decoder;

import dev.graft.attention.HeadMap;
import dev.graft.checkpoint.ModelSpec;

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

  /** Columns of this rank. */
  int columns() {
    return columnTo - columnFrom;
  }
}
