package dev.graft.measured;

import dev.graft.calibration.Profile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cost.CostModel;
import dev.graft.cost.Job;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Setting;
import dev.graft.cost.Term;
import dev.graft.cost.TransformerShape;
import java.util.Map;

/**
 * The costs of a profile. Times and bytes of a micro-batch grow with its sequences; the optimiser's
 * time with the weights it updates; an exchange takes alpha + beta · bytes as measured between two
 * processes, and among more the bytes and turns of a ring.
 *
 * @param name of the file, for errors
 */
public record ProfiledCosts(String name, Profile profile) implements CostModel {
  private static final int F32 = 4;

  /** Small sums over all ranks at the end of a step: counted tokens, loss with statistics. */
  private static final int WORLD_SUMS = 2;

  private static final Profile.Exchange UNKNOWN = new Profile.Exchange(0, 0);

  @Override
  public LayerCosts costs(Setting setting) {
    requireLike(setting);
    return new Costs(setting, profile);
  }

  /**
   * @throws InvalidInputException if the profile was measured with something else
   */
  private void requireLike(Setting setting) {
    TransformerShape shape = setting.shape();
    Profile.Model model = profile.model();
    TransformerShape.Experts experts = shape.experts();
    require("hidden_size", model.hiddenSize(), shape.hidden());
    require("num_hidden_layers", model.numHiddenLayers(), shape.layers());
    require("num_attention_heads", model.numAttentionHeads(), shape.heads());
    require("num_key_value_heads", model.numKeyValueHeads(), shape.kvHeads());
    require("head_dim", model.headDim(), shape.headDim());
    require("vocab_size", model.vocabSize(), shape.vocab());
    require("num_experts", model.numExperts(), experts.count());
    require("num_experts_per_tok", model.numExpertsPerTok(), experts.topK());
    require(
        "intermediate_size",
        model.intermediateSize(),
        experts.count() > 0 ? experts.ffn() : shape.ffn());
    require("sequence_length", profile.work().sequenceLength(), setting.job().sequence());
    if (!profile.work().dtype().equals(setting.job().type().key())) {
      throw other("dtype", profile.work().dtype(), setting.job().type().key());
    }
    Parallelism mesh = setting.parallelism();
    if (mesh.tp() * mesh.cp() * mesh.ep() * mesh.etp() != 1) {
      throw new InvalidInputException(
          "%s: a profile has whole layers, so it can plan pp and dp only, not %s; fix tp, cp, ep and etp at 1, or plan without it"
              .formatted(name, mesh.describe()));
    }
  }

  private void require(String key, int measured, int asked) {
    if (measured != asked) {
      throw other(key, "" + measured, "" + asked);
    }
  }

  private InvalidInputException other(String key, String measured, String asked) {
    return new InvalidInputException(
        "%s: it was measured with %s %s, but %s is asked for; measure again by graft profile with the recipe that is planned"
            .formatted(name, key, measured, asked));
  }

  private record Costs(Setting setting, Profile profile) implements LayerCosts {
    @Override
    public PartCost of(Part part) {
      return switch (part) {
        case EMBEDDING -> cost(profile.embedding());
        case DENSE_LAYER, EXPERT_LAYER -> cost(profile.layer());
        case HEAD -> cost(profile.head());
      };
    }

    private PartCost cost(Profile.Piece piece) {
      double scale = (double) setting.microBatch() / profile.work().microBatchSize();
      return new PartCost(
          scale * piece.forward(),
          scale * piece.backward(),
          scale * piece.recompute(),
          scale * piece.keptBytes(),
          scale * piece.keptIfRecomputedBytes(),
          scale * Math.max(piece.forwardPeakBytes() - piece.keptBytes(), piece.backwardPeakBytes()),
          Map.of(Term.MEASURED, scale * piece.forward()),
          Map.of(Term.MEASURED, scale * piece.backward()));
    }

    @Override
    public double sendSeconds() {
      double bytes =
          (double) setting.microBatch() * setting.job().sequence() * setting.shape().hidden() * F32;
      return exchange("send").seconds(bytes);
    }

    @Override
    public StepCost step(double trunk, double experts, double cover) {
      Profile.Optimizer optimizer = profile.optimizer();
      Parallelism mesh = setting.parallelism();
      Job job = setting.job();
      double part = (trunk + experts) / optimizer.parameters();
      boolean sharded = job.zero() > 0 && mesh.dp() > 1;
      double own =
          part
              * (optimizer.clearSeconds()
                  + optimizer.normSeconds()
                  + optimizer.updateSeconds() / (sharded ? mesh.dp() : 1));
      own +=
          mesh.microBatches(job.globalBatch(), setting.microBatch())
              * profile.dataSeconds()
              * setting.microBatch()
              / profile.work().microBatchSize();
      double sums = mesh.world() > 1 ? WORLD_SUMS * exchange("all-reduce").alpha() : 0;
      return new StepCost(sums + replicas(part, trunk + experts), own);
    }

    /** Gradients summed stretch by stretch, and with ZeRO-1 each one's share given to all. */
    private double replicas(double part, double parameters) {
      int dp = setting.parallelism().dp();
      if (dp == 1) {
        return 0;
      }
      double calls = part * profile.optimizer().stretches();
      double bytes = F32 * parameters;
      // Measured with two; a ring moves 2 (p - 1) / p of the bytes in 2 (p - 1) turns.
      double ring = 2.0 * (dp - 1) / dp;
      Profile.Exchange sum = exchange("all-reduce");
      double seconds = calls * (dp - 1) * sum.alpha() + ring * bytes * sum.beta();
      if (setting.job().zero() > 0) {
        Profile.Exchange give = exchange("broadcast");
        seconds += calls * dp * give.alpha() + bytes * give.beta();
      }
      return seconds;
    }

    private Profile.Exchange exchange(String kind) {
      return profile.exchanges().getOrDefault(kind, UNKNOWN);
    }
  }
}
