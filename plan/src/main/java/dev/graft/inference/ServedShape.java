package dev.graft.inference;

import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.checkpoint.RopeScaling;
import dev.graft.checkpoint.RopeSpec;
import dev.graft.cost.Attention;
import dev.graft.cost.TransformerShape;
import java.util.Optional;
import java.util.OptionalInt;

/** A shape as the description of a checkpoint, so that it can be dealt out like one. */
final class ServedShape {
  private static final int CONTEXT = 8192;

  private ServedShape() {}

  /**
   * The description; a shared expert is not in it.
   *
   * @param layers how many of them to describe
   * @throws InvalidInputException if no checkpoint has the shape
   */
  static ModelSpec of(TransformerShape shape, int layers) {
    TransformerShape.Experts experts = shape.experts();
    boolean full = shape.attention() instanceof Attention.Full;
    boolean alike = experts.layers() == 0 || experts.layers() == shape.layers();
    if (!full || !alike || !shape.gated()) {
      throw new InvalidInputException(
          "--inference counts decoders of equal layers with full attention and gated FFNs; this model has "
              + (!full
                  ? "latent or windowed attention"
                  : alike ? "FFNs without a gate" : "dense layers in front of its experts")
              + ", choose another");
    }
    Optional<MoeSpec> moe =
        experts.layers() == 0
            ? Optional.empty()
            : Optional.of(new MoeSpec(experts.count(), experts.topK(), Gating.SOFTMAX, 1));
    return new ModelSpec(
        moe.isPresent() ? Family.MIXTRAL : Family.LLAMA,
        shape.vocab(),
        shape.hidden(),
        moe.isPresent() ? experts.ffn() : shape.ffn(),
        layers,
        shape.heads(),
        shape.kvHeads(),
        shape.headDim(),
        1e-6,
        new RopeSpec(10_000, new RopeScaling.None()),
        CONTEXT,
        shape.tied(),
        false,
        false,
        false,
        false,
        OptionalInt.empty(),
        0.02,
        moe);
  }
}
