package dev.graft.upcycle;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import java.nio.file.Path;
import java.util.List;

/**
 * What to make of a dense model.
 *
 * @param numExperts experts per layer
 * @param topK experts per token
 * @param gating {@link Gating#SOFTMAX} writes the Mixtral form, {@link Gating#NORMALIZED} the
 *     Skywork-MoE form
 * @param gateNormStd λ of the normalised gate
 * @param expertSources further dense checkpoints; expert e comes from source e mod their number.
 *     Empty: the first alone
 * @param noise standard deviation of Gaussian noise on expert weights, relative to each matrix's
 *     own
 * @param reinitFraction share of each expert's FFN columns that are drawn anew (drop-upcycling,
 *     arXiv 2502.19261)
 * @param withModeling whether Python files for transformers' {@code auto_map} are added
 * @param seed of gate, noise and reinitialisation
 * @param maxShardBytes largest file
 */
public record UpcycleOptions(
    int numExperts,
    int topK,
    Gating gating,
    double gateNormStd,
    List<Path> expertSources,
    double noise,
    double reinitFraction,
    boolean withModeling,
    long seed,
    long maxShardBytes) {
  /** Checks the numbers against each other. */
  public UpcycleOptions {
    expertSources = List.copyOf(expertSources);
    if (numExperts < 2) {
      throw new InvalidInputException("--experts is " + numExperts + "; a mixture has at least 2");
    }
    if (topK < 1 || topK > numExperts) {
      throw new InvalidInputException(
          "--top-k is " + topK + "; it must be between 1 and the " + numExperts + " of --experts");
    }
    if (!(gateNormStd > 0) || Double.isInfinite(gateNormStd)) {
      throw new InvalidInputException("--gate-norm-std is " + gateNormStd + "; it must be above 0");
    }
    if (!(noise >= 0) || Double.isInfinite(noise)) {
      throw new InvalidInputException("--noise is " + noise + "; it must be at least 0");
    }
    if (!(reinitFraction >= 0 && reinitFraction <= 1)) {
      throw new InvalidInputException(
          "--reinit-fraction is " + reinitFraction + "; it must be between 0 and 1");
    }
    if (withModeling && gating == Gating.SOFTMAX) {
      throw new InvalidInputException(
          "--with-modeling is for --gating normalized; transformers has the softmax form itself");
    }
  }

  /** Whether experts differ from their source. */
  public boolean diversifies() {
    return noise > 0 || reinitFraction > 0;
  }
}
