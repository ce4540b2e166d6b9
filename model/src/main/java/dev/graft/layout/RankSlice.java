package dev.graft.layout;

/**
 * What one rank holds of every layer.
 *
 * @param rank from 0
 * @param heads query heads, at least one; also the columns of o_proj, in heads
 * @param keyValueHeads the key/value heads that these query heads read; where a group of query
 *     heads is cut, both ranks hold its key/value head
 * @param columns of the FFN, or of each expert: rows of gate and up (w1, w3), columns of down (w2);
 *     may be empty
 * @param vocabulary rows of the embedding and of the output head; may be empty
 */
public record RankSlice(
    int rank, Range heads, Range keyValueHeads, Range columns, Range vocabulary) {}
