package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Output projection and cross entropy by hand, in chunks of rows: the logits of a large vocabulary
 * never exist at once, and their gradient overwrites them. Where ranks split the vocabulary, each
 * tells the others log Σ exp of its logits and the target's logit (Megatron-LM, arXiv 1909.08053).
 */
final class Head {
  /** Logits held at once: 64 Mi elements. */
  private static final long CHUNK_ELEMENTS = 1L << 26;

  private final Parameters parameters;
  private final Exchange ranks;
  private final VocabularySlice vocabulary;
  private final Product product;
  private final String weight;
  private final long chunk;

  /**
   * @param ranks that split the vocabulary
   */
  Head(ModelSpec spec, Parameters parameters, Exchange ranks) {
    this.parameters = parameters;
    this.ranks = ranks;
    this.vocabulary = new VocabularySlice(parameters.shard().slice().vocabulary());
    this.product = new Product(parameters.precision());
    this.weight = spec.tieWordEmbeddings() ? "embed" : "lm_head";
    this.chunk = Math.max(1, CHUNK_ELEMENTS / spec.vocabSize());
  }

  /**
   * Logits in the stream's precision, [T, V], of whole vocabularies of normalised states [T, H].
   */
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
   * to {@code stateGradient}, [T, H]; where ranks split the vocabulary, a summand of it.
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
        Tensor target = targets.narrow(0, from, rows);
        long first = from;
        Optional<Tensor> counted = mask.map(m -> m.narrow(0, first, rows).unsqueeze(1));
        Tensor logits =
            torch
                .mm(operand, product.operand(parameters.weight(weight)).t())
                .to(parameters.precision().stream());
        Scores scores = ranks.size() == 1 ? alone(logits, target) : together(logits, target);
        sum -=
            counted
                .map(scores.chosen()::mul)
                .orElse(scores.chosen())
                .sum(new ScalarTypeOptional(ScalarType.Double))
                .item_double();
        if (stateGradient.isPresent()) {
          Tensor gradient = scores.all().exp_();
          gradient.scatter_add_(1, scores.place(), scores.held().neg());
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

  /**
   * What a chunk of rows gives.
   *
   * @param all log-probabilities of the vocabulary held, [rows, V]
   * @param chosen those of the targets, [rows, 1]
   * @param place the target's column here; some column where it is not held, int64 [rows, 1]
   * @param held 1 where it is here, else 0, [rows, 1]
   */
  private record Scores(Tensor all, Tensor chosen, Tensor place, Tensor held) {}

  private static Scores alone(Tensor logits, Tensor target) {
    Tensor all = torch.log_softmax(logits, 1);
    Tensor place = target.unsqueeze(1);
    Tensor chosen = all.gather(1, place);
    return new Scores(all, chosen, place, torch.ones_like(chosen));
  }

  private Scores together(Tensor logits, Tensor target) {
    Tensor place = vocabulary.local(target).unsqueeze(1);
    Tensor held = vocabulary.held(target, logits).unsqueeze(1);
    Tensor own = torch.logsumexp(logits, new long[] {1}, true);
    Tensor told = torch.cat(new TensorVector(own, logits.gather(1, place).mul_(held)), 1);
    long[] each = new long[ranks.size()];
    Arrays.fill(each, 1);
    Tensor heard = ranks.allGather(told.unsqueeze(0), each); // [ranks, rows, 2]
    Tensor all = torch.logsumexp(heard.select(2, 0), new long[] {0}, false).unsqueeze(1);
    Tensor chosen = heard.select(2, 1).sum(0).unsqueeze(1).sub(all);
    return new Scores(logits.sub_(all), chosen, place, held);
  }
}
