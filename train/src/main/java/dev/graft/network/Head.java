package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Output projection and cross entropy by hand, in chunks of rows: the logits of a large vocabulary
 * never exist at once, and their gradient overwrites them.
 */
final class Head {
  /** Logits held at once: 64 Mi elements. */
  private static final long CHUNK_ELEMENTS = 1L << 26;

  private final Parameters parameters;
  private final Product product;
  private final String weight;
  private final long chunk;

  Head(ModelSpec spec, Parameters parameters) {
    this.parameters = parameters;
    this.product = new Product(parameters.precision());
    this.weight = spec.tieWordEmbeddings() ? "embed" : "lm_head";
    this.chunk = Math.max(1, CHUNK_ELEMENTS / spec.vocabSize());
  }

  /** Logits in the stream's precision, [T, V], of normalised states [T, H]. */
  Tensor logits(Tensor states) {
    Tensor logits =
        torch.linear(product.operand(states), product.operand(parameters.weight(weight)));
    return logits.to(parameters.precision().stream());
  }

  /**
   * Σ mask · cross entropy in nats.
   *
   * @param states normalised, [T, H]
   * @param targets int64, [T]
   * @param mask 0 or 1 in the stream's precision, [T]; empty means all count
   */
  double loss(Tensor states, Tensor targets, Optional<Tensor> mask) {
    return run(states, targets, mask, Optional.empty(), 0);
  }

  /**
   * The same, and its gradients times {@code scale}: added to those of the projection, and written
   * to {@code stateGradient}, [T, H].
   */
  double lossAndGradient(
      Tensor states, Tensor targets, Optional<Tensor> mask, Tensor stateGradient, double scale) {
    return run(states, targets, mask, Optional.of(stateGradient), scale);
  }

  private double run(
      Tensor states,
      Tensor targets,
      Optional<Tensor> mask,
      Optional<Tensor> stateGradient,
      double scale) {
    long tokens = states.size(0);
    double sum = 0;
    for (long from = 0; from < tokens; from += chunk) {
      long rows = Math.min(chunk, tokens - from);
      try (PointerScope _ = new PointerScope()) {
        Tensor operand = product.operand(states.narrow(0, from, rows));
        Tensor target = targets.narrow(0, from, rows).unsqueeze(1);
        long first = from;
        Optional<Tensor> counted = mask.map(m -> m.narrow(0, first, rows).unsqueeze(1));
        Tensor logProbabilities =
            torch.log_softmax(
                torch
                    .mm(operand, product.operand(parameters.weight(weight)).t())
                    .to(parameters.precision().stream()),
                1);
        Tensor chosen = logProbabilities.gather(1, target);
        sum -=
            counted
                .map(chosen::mul)
                .orElse(chosen)
                .sum(new ScalarTypeOptional(ScalarType.Double))
                .item_double();
        if (stateGradient.isPresent()) {
          Tensor gradient = logProbabilities.exp_();
          gradient.scatter_add_(1, target, torch.full_like(chosen, new Scalar(-1.0)));
          gradient.mul_(new Scalar(scale));
          counted.ifPresent(gradient::mul_);
          Tensor operandGradient = product.operand(gradient);
          if (parameters.trainable(weight)) {
            product.accumulate(parameters.gradient(weight), operandGradient.t(), operand, false);
          }
          product.into(
              stateGradient.get().narrow(0, from, rows),
              operandGradient,
              product.operand(parameters.weight(weight)));
        }
      }
    }
    return sum;
  }
}
