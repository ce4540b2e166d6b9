package dev.graft.runs;

import dev.graft.cost.Setting;
import dev.graft.cost.TransformerShape;

/** How many weights a stage holds and what each of them takes. */
final class StageWeights {
  private StageWeights() {}

  /** Of a layer without its experts, norms included. */
  static double trunkLayer(TransformerShape shape) {
    boolean moe = shape.experts().layers() > 0;
    return shape.attentionWeights()
        + 2.0 * shape.hidden()
        + (moe
            ? (double) shape.hidden() * shape.experts().count()
            : shape.feedForward(shape.ffn()));
  }

  static double embedding(TransformerShape shape) {
    return (double) shape.vocab() * shape.hidden();
  }

  /** Of a stage without experts; a tied embedding is held at both ends. */
  static double trunk(TransformerShape shape, Layout layout, int number) {
    boolean first = number == 0;
    boolean last = number == layout.layers().size() - 1;
    return layout.layers().get(number) * trunkLayer(shape)
        + (first ? embedding(shape) : 0)
        + (last && !(shape.tied() && first) ? embedding(shape) : 0)
        + (last ? shape.hidden() : 0);
  }

  /** Of the experts of some layers. */
  static double experts(TransformerShape shape, int layers) {
    return layers * shape.experts().count() * shape.feedForward(shape.experts().ffn());
  }

  /** Bytes of a weight with its gradient and moments. */
  static double bytes(Setting setting, Layout layout) {
    int shards = setting.job().zero() > 0 ? setting.parallelism().dp() : 1;
    return layout.parameterBytes()
        + layout.gradientBytes()
        + (double) layout.optimizerBytes() / shards;
  }
}
