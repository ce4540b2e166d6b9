package dev.graft.cost;

/**
 * What a part keeps of a micro-batch until its backward pass: Korthikanti et al., arXiv 2205.05198,
 * section 4, term by term, so that gated FFNs, fewer key heads, fused attention and experts have
 * theirs. For GPT's layer it is their equation: s·b·h (10 + 24/t + 5·a·s/(h·t)), all of it over t
 * with sequence parallelism.
 */
final class ActivationBytes {
  private final Setting s;
  private final TransformerShape m;
  private final Parallelism p;
  private final double tokens;
  private final double split;
  private final int act;

  ActivationBytes(Setting setting) {
    s = setting;
    m = setting.shape();
    p = setting.parallelism();
    tokens = (double) setting.microBatch() * setting.job().sequence() / p.cp();
    split = p.sequenceParallel() ? p.tp() : 1;
    act = setting.job().type().activationBytes();
  }

  /** A layer's or the head's activations. */
  double kept(Part part) {
    return switch (part) {
      case EMBEDDING -> 0;
      case DENSE_LAYER -> attention() + feedForward(m.ffn()) * notAgain();
      case EXPERT_LAYER ->
          attention()
              + (m.experts().sharedFfn() > 0 ? feedForward(m.experts().sharedFfn()) : 0)
              + experts() * notAgain();
      // The norm's input and output, and the logits in f32.
      case HEAD -> 2 * act * tokens * m.hidden() / split + 4 * tokens * m.vocab() / p.tp();
    };
  }

  /** Only the input. */
  double keptIfRecomputed(Part part) {
    return part == Part.DENSE_LAYER || part == Part.EXPERT_LAYER
        ? act * tokens * m.hidden() / split
        : kept(part);
  }

  /** What is needed besides while the part runs backwards: gradients of its widest values. */
  double working(Part part) {
    return switch (part) {
      case EMBEDDING -> act * tokens * m.hidden() / split;
      case HEAD -> (act + 4.0) * tokens * m.vocab() / p.tp();
      case DENSE_LAYER -> act * tokens * (m.hidden() + 2.0 * m.ffn() / p.tp());
      case EXPERT_LAYER -> act * sent() * (m.hidden() + 2.0 * m.experts().ffn() / p.etp());
    };
  }

  private double notAgain() {
    return s.recompute() == Recompute.FEED_FORWARD ? 0 : 1;
  }

  private double attention() {
    double hidden = tokens * m.hidden() / split;
    // Norm's input and output, and the mask of a dropout where there is one.
    double whole = hidden * (2 * act + dropout());
    double ranked = tokens * (m.queryKeyValueWidth() + m.contextWidth()) / p.tp() * act;
    double scores = 0;
    if (s.software().fusedAttention()) {
      scores = 4 * tokens * m.heads() / p.tp();
    } else if (s.recompute() != Recompute.SELECTIVE) {
      scores = tokens * m.meanPositions(s.job().sequence()) * m.heads() / p.tp() * (2 * act + 1);
    }
    return whole + ranked + scores;
  }

  private double feedForward(int ffn) {
    double hidden = tokens * m.hidden() / split;
    return hidden * (2 * act + dropout()) + tokens * ffn / p.tp() * act * (m.gated() ? 3 : 2);
  }

  private double experts() {
    double mine = tokens * m.hidden() / split;
    double computed = sent() * (p.sequenceParallel() || p.tp() == 1 ? p.etp() : 1);
    return mine * 2 * act
        + 2 * act * sent() * m.hidden()
        + computed * m.experts().ffn() / p.etp() * act * (m.gated() ? 3 : 2);
  }

  private double sent() {
    return tokens / split * m.experts().topK() * s.job().load();
  }

  /** Bytes of a mask; models with gated FFNs are trained without dropout. */
  private int dropout() {
    return m.gated() ? 0 : 1;
  }
}
