package dev.graft.loop;

import dev.graft.checkpoint.ModelSpec;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Training FLOPs of one token, forward and backward: 6 per active weight that multiplies (the k
 * chosen experts, the output head, not the embedding look-up), and 12 · heads · head_dim · S / 2
 * per layer for causal attention.
 *
 * @param activeWeights weights that one token multiplies with
 * @param attention FLOPs of scores and values
 */
record Flops(long activeWeights, double attention) {
  static final String FORMULA =
      "FLOPs/token = 6 * active weights (k experts and the head, no embedding look-up) + 12 * layers * heads * head_dim * S / 2; "
          + "MFU = FLOPs/token * tokens/s / peak, peak = the fastest of a few 1024^3 matrix products measured at the start of the run";

  static Flops of(ModelSpec spec, int sequenceLength) {
    long hidden = spec.hiddenSize();
    long q = (long) spec.numAttentionHeads() * spec.headDim();
    long kv = (long) spec.numKeyValueHeads() * spec.headDim();
    long attention = hidden * (2 * q + 2 * kv);
    long ffn = 3 * hidden * spec.intermediateSize();
    long experts = spec.moe().map(m -> ffn * m.topK() + hidden * m.numExperts()).orElse(ffn);
    long active = spec.numHiddenLayers() * (attention + experts) + hidden * spec.vocabSize();
    return new Flops(active, 6.0 * spec.numHiddenLayers() * q * sequenceLength);
  }

  double perToken() {
    return 6.0 * activeWeights + attention;
  }

  /** FLOP/s of this machine's float32 matrix product, the best of a few. */
  static double measurePeak() {
    try (PointerScope _ = new PointerScope()) {
      long n = 1024;
      Tensor a = torch.ones(n, n);
      Tensor out = torch.empty(n, n);
      double best = 0;
      for (int i = 0; i < 8; i++) {
        long start = System.nanoTime();
        torch.mm_out(out, a, a);
        best = Math.max(best, 2.0 * n * n * n / ((System.nanoTime() - start) * 1e-9));
      }
      return best;
    }
  }
}
