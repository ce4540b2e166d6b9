package dev.graft.cost;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.ExpertScheme;

/**
 * How ranks are arranged: those of TP are neighbours, then CP, then DP, then PP, as Megatron-LM
 * numbers them. Experts have degrees of their own over the same TP × CP × DP ranks (Megatron's
 * parallel folding, arXiv 2504.14960).
 *
 * @param pp pipeline stages
 * @param chunks model chunks of a stage (interleaved 1F1B); 1: none
 * @param dp data-parallel replicas
 * @param tp ranks that split heads, columns and vocabulary
 * @param cp ranks that split a sequence through attention (ring attention)
 * @param ep ranks that deal out whole experts
 * @param etp ranks that split the columns of an expert
 * @param sequenceParallel whether TP ranks split the tokens between the products
 */
public record Parallelism(
    int pp, int chunks, int dp, int tp, int cp, int ep, int etp, boolean sequenceParallel) {
  /** Refuses degrees below 1 and expert degrees that do not go into TP × CP × DP. */
  public Parallelism {
    if (Math.min(Math.min(Math.min(pp, chunks), Math.min(dp, tp)), Math.min(cp, Math.min(ep, etp)))
        < 1) {
      throw new InvalidInputException(
          "A mesh of pp %d (%d chunks), dp %d, tp %d, cp %d, ep %d, etp %d cannot be; each is at least 1"
              .formatted(pp, chunks, dp, tp, cp, ep, etp));
    }
    if ((long) dp * tp * cp % ((long) ep * etp) != 0) {
      throw new InvalidInputException(
          "ep %d × etp %d does not divide the tp %d × cp %d × dp %d ranks of a stage; choose degrees that do"
              .formatted(ep, etp, tp, cp, dp));
    }
  }

  /** A mesh whose experts are dealt out by a scheme. */
  public static Parallelism of(int pp, int chunks, int dp, int tp, ExpertScheme scheme) {
    int ep =
        switch (scheme) {
          case NONE -> 1;
          case EDP -> tp;
          case EP -> dp * tp;
          case ETP -> dp;
        };
    int etp = scheme == ExpertScheme.NONE || scheme == ExpertScheme.ETP ? tp : 1;
    return new Parallelism(pp, chunks, dp, tp, 1, ep, etp, tp > 1);
  }

  /**
   * How experts are dealt out, as a recipe's {@code parallel.experts} spells it; {@code folded}
   * where no scheme of a recipe says it.
   */
  public String scheme() {
    for (ExpertScheme scheme : ExpertScheme.values()) {
      Parallelism mesh = of(pp, chunks, dp, tp, scheme);
      if (cp == 1 && mesh.ep() == ep && mesh.etp() == etp) {
        return scheme.key();
      }
    }
    return "folded";
  }

  /** All ranks. */
  public int world() {
    return Math.multiplyExact(pp, stageRanks());
  }

  /** Ranks of a pipeline stage. */
  public int stageRanks() {
    return Math.multiplyExact(Math.multiplyExact(dp, tp), cp);
  }

  /** Replicas of an expert: the ranks that its gradients are summed over. */
  public int expertReplicas() {
    return stageRanks() / (ep * etp);
  }

  /** Ranks that hold the same weights of the trunk. */
  public int trunkReplicas() {
    return dp * cp;
  }

  /** Micro-batches that a replica's share of the global batch makes. */
  public int microBatches(int globalBatch, int microBatch) {
    if (globalBatch % ((long) dp * microBatch) != 0) {
      throw new InvalidInputException(
          "A global batch of %d does not divide over dp %d × micro-batch %d; choose one that does"
              .formatted(globalBatch, dp, microBatch));
    }
    return globalBatch / (dp * microBatch);
  }

  /** {@code pp 12 × dp 32 × tp 4, ep 4, etp 1}. */
  public String describe() {
    StringBuilder text = new StringBuilder();
    text.append("pp ").append(pp);
    if (chunks > 1) {
      text.append(" (").append(chunks).append(" chunks)");
    }
    text.append(" × dp ").append(dp).append(" × tp ").append(tp);
    if (cp > 1) {
      text.append(" × cp ").append(cp);
    }
    if (ep * etp > 1) {
      text.append(", ep ").append(ep).append(", etp ").append(etp);
    }
    return text.toString();
  }
}
