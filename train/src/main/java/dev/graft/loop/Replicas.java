package dev.graft.loop;

import dev.graft.network.Parameters;
import dev.graft.parallel.Team;
import dev.graft.parallel.TensorGroup;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * What the copies of a weight have to do with each other: their gradients are summed, and each rank
 * of a group has its share of every stretch, which it writes into checkpoints and, with ZeRO-1
 * (arXiv 1910.02054), alone updates.
 */
final class Replicas {
  private final Team team;
  private final Parameters parameters;
  private final boolean tied;
  private final List<TensorGroup.Transfer> begun = new ArrayList<>();

  /**
   * @param tied whether the head is the embedding
   */
  Replicas(Team team, Parameters parameters, boolean tied) {
    this.team = team;
    this.parameters = parameters;
    this.tied = tied;
  }

  private TensorGroup group(Parameters.Stretch stretch) {
    return stretch.expert() ? team.expertData() : team.data();
  }

  private static Parameters.Stretch share(Parameters.Stretch whole, int rank, int size) {
    long from = whole.elements() * rank / size;
    long to = whole.elements() * (rank + 1) / size;
    return new Parameters.Stretch(
        whole.offset() + from, to - from, whole.decayed(), whole.expert());
  }

  /** This rank's share of each stretch of the trainable weights. */
  List<Parameters.Stretch> shares() {
    List<Parameters.Stretch> own = new ArrayList<>();
    for (Parameters.Stretch stretch : parameters.stretches()) {
      own.add(share(stretch, group(stretch).rank(), group(stretch).size()));
    }
    return own;
  }

  /** Whether this rank, of the copies of a weight, counts it, and writes it where it is frozen. */
  boolean first(Parameters.Stored stored) {
    return (stored.expert() ? team.expertData() : team.data()).rank() == 0;
  }

  /** Whether a stored tensor is a second copy, kept for a tied head. */
  boolean copied(String name) {
    return tied
        && team.ends().size() > 1
        && team.ends().rank() == 1
        && name.equals("model.embed_tokens.weight");
  }

  /**
   * Begins to sum the gradients of a layer's matrices over their copies, while the layers before it
   * go backwards still.
   */
  void begin(int layer) {
    sum(parameters.matrices(layer));
  }

  /** Sums what {@link #begin} has not; from here on nothing is under way. */
  void reduceGradients() {
    await();
    if (tied) {
      parameters.embeddingGradient().ifPresent(team.ends()::allReduceSum);
    }
    addPartials();
    sum(parameters.besidesMatrices());
    await();
  }

  private void await() {
    begun.forEach(TensorGroup.Transfer::await);
    begun.clear();
  }

  private void sum(List<Parameters.Stretch> stretches) {
    try (PointerScope _ = new PointerScope()) {
      for (Parameters.Stretch stretch : stretches) {
        group(stretch)
            .beginAllReduceSum(part(parameters.flatGradients(), stretch))
            .ifPresent(begun::add);
      }
    }
  }

  /** Sums gradients of which each rank of the tensor-parallel group has a part. */
  private void addPartials() {
    Parameters.Partials partials = parameters.partials();
    if (team.tensor().size() == 1 || partials.elements() == 0) {
      return;
    }
    try (PointerScope _ = new PointerScope()) {
      Tensor flat = parameters.flatGradients();
      Tensor all = flat.new_zeros(partials.elements());
      for (Parameters.Partial part : partials.held()) {
        all.narrow(0, part.at(), part.elements())
            .copy_(flat.narrow(0, part.offset(), part.elements()));
      }
      team.tensor().allReduceSum(all);
      for (Parameters.Partial part : partials.held()) {
        flat.narrow(0, part.offset(), part.elements())
            .copy_(all.narrow(0, part.at(), part.elements()));
      }
    }
  }

  /** Gives all the weights that each has updated. */
  void gatherWeights() {
    try (PointerScope _ = new PointerScope()) {
      for (Parameters.Stretch stretch : parameters.stretches()) {
        TensorGroup group = group(stretch);
        for (int r = 0; r < group.size(); r++) {
          Parameters.Stretch share = share(stretch, r, group.size());
          group.broadcast(part(parameters.flatWeights(), share), r);
        }
      }
    }
  }

  /** Σ of squares of this rank's part of the gradient, each weight counted by one rank only. */
  double squaredNorm() {
    double sum = 0;
    try (PointerScope _ = new PointerScope()) {
      for (Parameters.Stretch stretch : parameters.stretches()) {
        if (group(stretch).rank() == 0) {
          sum += square(part(parameters.flatGradients(), stretch));
        }
      }
      for (Parameters.Stored stored : parameters.stored()) {
        if (stored.trainable() && stored.ownElements() < stored.elements() && first(stored)) {
          sum -= others(stored);
        }
      }
      if (team.data().rank() == 0 && copied("model.embed_tokens.weight")) {
        sum -= parameters.embeddingGradient().map(Replicas::square).orElse(0.0);
      }
    }
    return sum;
  }

  /** Σ of squares of what other ranks of the tensor-parallel group count. */
  private double others(Parameters.Stored stored) {
    Tensor flat = parameters.flatGradients();
    long before = stored.ownOffset() - stored.offset();
    long end = stored.offset() + stored.elements();
    long from = stored.ownOffset() + stored.ownElements();
    return square(flat.narrow(0, stored.offset(), before))
        + square(flat.narrow(0, from, end - from));
  }

  private static double square(Tensor gradient) {
    double norm = gradient.norm().item_double();
    return norm * norm;
  }

  private static Tensor part(Tensor flat, Parameters.Stretch stretch) {
    return flat.narrow(0, stretch.offset(), stretch.elements());
  }
}
