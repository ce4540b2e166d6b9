package dev.graft.loop;

import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import dev.graft.layout.Range;
import dev.graft.layout.Shares;
import java.util.List;

/**
 * The formulas of docs/parallelism.md, section Bytes, term by term: what a rank of a mesh sends to
 * others.
 *
 * @param layers of the stage that is looked at
 * @param hidden H
 * @param ffn F
 * @param vocab V
 * @param experts n
 * @param choices k
 * @param heads query heads
 * @param groups key/value heads
 * @param tokens T of a micro-batch
 * @param stream s, bytes of a weight
 * @param compute c, bytes of a matrix product's operand
 */
record MeshBytes(
    Mesh mesh,
    int layers,
    long hidden,
    int ffn,
    int vocab,
    long experts,
    long choices,
    int heads,
    int groups,
    int tokens,
    long stream,
    long compute) {

  /** R(x): an all-reduce of x bytes among P ranks. */
  static long reduced(long bytes, long ranks) {
    return 2 * bytes * (ranks - 1) / ranks;
  }

  private long tp() {
    return mesh.tp();
  }

  private boolean sequence() {
    return mesh.sequence() && tp() > 1;
  }

  private boolean columns() {
    return tp() > 1 && (mesh.experts() == ExpertScheme.NONE || mesh.experts() == ExpertScheme.ETP);
  }

  private long part(int rank, int whole) {
    List<Range> parts = Shares.equal(mesh.tp()).split(whole, 0);
    return parts.get(mesh.place(rank).tp()).length();
  }

  /** t. */
  private long own(int rank) {
    return sequence() ? part(rank, tokens) : tokens;
  }

  /** Attention or dense feed-forward of one layer, one way. */
  long projection(int rank) {
    if (!sequence()) {
      return reduced(tokens * hidden * stream, tp());
    }
    return (tp() - 1) * own(rank) * hidden * compute + (tokens - own(rank)) * hidden * stream;
  }

  /** Gate and experts of one layer within the tensor-parallel group, forward. */
  long expertsForward(int rank) {
    long t = own(rank);
    long sum = sequence() ? reduced((experts + 1) * stream, tp()) : 0;
    if (!columns()) {
      return sum;
    }
    if (!sequence()) {
      return sum + reduced(tokens * hidden * stream, tp());
    }
    return sum
        + (tp() - 1) * t * (hidden * compute + choices * stream + 8 * choices)
        + (tokens - t) * hidden * stream;
  }

  /** The same backward. */
  long expertsBackward(int rank) {
    long t = own(rank);
    if (!columns()) {
      return 0;
    }
    if (!sequence()) {
      return reduced(tokens * hidden * stream, tp()) + reduced(tokens * choices * stream, tp());
    }
    return (tp() - 1) * t * hidden * compute + (tokens - t) * (hidden * stream + choices * stream);
  }

  /** Counts of one layer's dispatch. */
  long counts() {
    return (mesh.expertRanks() - 1) * 8L * choices * experts;
  }

  /**
   * Dispatch of one layer, both ways.
   *
   * @param out assignments of this rank's tokens that are computed elsewhere
   * @param in assignments of others that are computed here
   */
  long dispatch(long out, long in) {
    long there = out * (hidden * compute + stream) + in * hidden * compute;
    long back = out * hidden * compute + in * (hidden * compute + stream);
    return there + back;
  }

  /** Embedding, both ways. */
  long embedding(int rank) {
    return sequence()
        ? (tokens - own(rank)) * hidden * stream + (tp() - 1) * own(rank) * hidden * stream
        : reduced(tokens * hidden * stream, tp());
  }

  /** Head, both ways. */
  long head(int rank) {
    long told = (tp() - 1) * tokens * 2 * stream;
    return sequence()
        ? (tp() - 1) * own(rank) * hidden * compute + told + (tokens - own(rank)) * hidden * stream
        : told + reduced(tokens * hidden * stream, tp());
  }

  /** A boundary between stages, one way. */
  long boundary(int rank) {
    return own(rank) * hidden * stream;
  }

  /**
   * Gradients that tensor-parallel ranks hold together, per step.
   *
   * @param shared key/value heads that several ranks hold
   * @param last whether the final norm is here
   */
  long partials(int shared, boolean last) {
    long dim = hidden / heads;
    long elements = layers * 2L * shared * dim * hidden;
    if (sequence()) {
      elements += layers * (2 * hidden + experts * hidden) + (last ? hidden : 0);
    }
    return tp() == 1 ? 0 : reduced(elements * stream, tp());
  }

  /** Elements of one expert held, all its columns or this rank's. */
  private long expert(int rank) {
    return 3 * hidden * (columns() ? part(rank, ffn) : ffn);
  }

  /** Gradients of experts summed over replicas, per step. */
  long expertGradients(int rank) {
    boolean replicated = mesh.experts() == ExpertScheme.NONE || mesh.experts() == ExpertScheme.EDP;
    long held = experts / mesh.expertRanks();
    return replicated ? reduced(layers * held * expert(rank) * stream, mesh.dp()) : 0;
  }
}
