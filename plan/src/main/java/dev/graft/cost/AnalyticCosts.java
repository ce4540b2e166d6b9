package dev.graft.cost;

import dev.graft.cluster.ComputeType;
import dev.graft.cost.Collectives.Group;
import java.util.EnumMap;
import java.util.Map;

/**
 * Costs from data sheets: a roofline of every product, memory traffic of what lies between them and
 * exchanges over the networks. docs/planner.md has the terms with their sources.
 */
public final class AnalyticCosts implements LayerCosts {
  /** Kernels of a layer's trunk, forwards: norms, projections, rotation, attention, residuals. */
  private static final int KERNELS = 16;

  /** Kernels more that routing, sorting and sending tokens take. */
  private static final int ROUTING_KERNELS = 30;

  private final Setting s;
  private final Efficiency e;
  private final TransformerShape m;
  private final Parallelism p;
  private final Collectives net;
  private final double tokens;
  private final double split;
  private final int act;
  private final Map<Part, PartCost> costs = new EnumMap<>(Part.class);

  /** The costs in a setting. */
  public AnalyticCosts(Setting setting, Efficiency efficiency) {
    s = setting;
    e = efficiency;
    m = setting.shape();
    p = setting.parallelism();
    net = new Collectives(setting.cluster(), efficiency.network());
    tokens = (double) setting.microBatch() * setting.job().sequence() / p.cp();
    split = p.sequenceParallel() ? p.tp() : 1;
    act = setting.job().type().activationBytes();
    for (Part part : Part.values()) {
      boolean there =
          switch (part) {
            case DENSE_LAYER -> m.denseLayers() > 0;
            case EXPERT_LAYER -> m.experts().layers() > 0;
            case EMBEDDING, HEAD -> true;
          };
      if (there) {
        costs.put(part, cost(part));
      }
    }
  }

  /** The model of the published runs. */
  public static CostModel fitted() {
    return setting -> new AnalyticCosts(setting, Efficiency.FITTED);
  }

  @Override
  public PartCost of(Part part) {
    return costs.get(part);
  }

  @Override
  public double sendSeconds() {
    return p.pp() == 1 ? 0 : net.send(p.stageRanks(), tokens * m.hidden() * act / p.tp());
  }

  private PartCost cost(Part part) {
    Pass forward = new Pass();
    Pass backward = new Pass();
    switch (part) {
      case EMBEDDING -> {
        forward.elementwise(tokens * m.hidden() * (act + 4) / split);
        backward.elementwise(tokens * m.hidden() * (act + 8) / split);
        forward.tensorParallel(tokens * m.hidden() * act, 1);
      }
      case HEAD -> head(forward, backward);
      case DENSE_LAYER -> {
        attention(forward, backward);
        dense(forward, backward, m.ffn());
      }
      case EXPERT_LAYER -> {
        attention(forward, backward);
        if (m.experts().sharedFfn() > 0) {
          dense(forward, backward, m.experts().sharedFfn());
        }
        experts(forward, backward);
      }
    }
    shardedWeights(part, forward, backward);
    double again = forward.seconds() - forward.get(Term.WEIGHT_GATHER);
    if (part == Part.EMBEDDING || part == Part.HEAD) {
      again = 0;
    }
    ActivationBytes bytes = new ActivationBytes(s);
    return new PartCost(
        forward.seconds(),
        backward.seconds(),
        again,
        bytes.kept(part),
        bytes.keptIfRecomputed(part),
        bytes.working(part),
        forward.terms,
        backward.terms);
  }

  private void attention(Pass forward, Pass backward) {
    double width = m.queryKeyValueWidth() / p.tp();
    double context = m.contextWidth() / p.tp();
    product(forward, backward, Term.GEMM, tokens, m.hidden(), width, 1);
    product(forward, backward, Term.GEMM, tokens, context, m.hidden(), 1);
    double pairs = tokens * m.meanPositions(s.job().sequence());
    double heads = (double) m.heads() / p.tp();
    double flops = pairs * 2 * m.scoreWidth() / p.tp();
    if (s.software().fusedAttention()) {
      double rate = s.device().peak(wideType()) * e.attention();
      forward.add(Term.ATTENTION, flops / 2 / rate);
      // Scores once more, then four products: 2.5 × forward (FlashAttention-2, arXiv 2307.08691).
      backward.add(Term.ATTENTION, 2.5 * flops / 2 / rate);
    } else {
      double scores = pairs * heads;
      double rate = rate();
      // Written, read and written by the softmax, by dropout with its mask, read by the product.
      double again = flops / rate + scores * (6 * act + 1) / memory();
      forward.add(Term.ATTENTION, again);
      backward.add(Term.ATTENTION, 2 * flops / rate + scores * (9 * act + 1) / memory());
      if (s.recompute() == Recompute.SELECTIVE) {
        backward.add(Term.ATTENTION, again);
      }
    }
    if (p.cp() > 1) {
      // Keys and values go round the ring under the scores' products; backwards with gradients.
      double bytes = tokens * (m.queryKeyValueWidth() - m.contextWidth()) / p.tp() * act;
      Group ring = new Group(p.cp(), p.tp());
      double once = net.ring(ring, bytes * p.cp());
      forward.add(Term.CONTEXT_PARALLEL, beyond(once, forward.get(Term.ATTENTION)));
      backward.add(Term.CONTEXT_PARALLEL, beyond(2 * once, backward.get(Term.ATTENTION)));
    }
    // Two norms (read, write) and two residual sums (two reads, a write); backwards three each.
    forward.elementwise(tokens * m.hidden() * 10 * act / split);
    backward.elementwise(tokens * m.hidden() * 12 * act / split);
    if (m.gated()) {
      forward.elementwise(tokens * width * 2 * act);
      backward.elementwise(tokens * width * 2 * act);
    }
    forward.kernels(KERNELS);
    backward.kernels(2 * KERNELS);
    forward.tensorParallel(tokens * m.hidden() * act, 2);
    backward.tensorParallel(tokens * m.hidden() * act, p.sequenceParallel() ? 3 : 2);
  }

  private void dense(Pass forward, Pass backward, int ffn) {
    double width = (double) ffn / p.tp();
    product(forward, backward, Term.GEMM, tokens, m.hidden(), width * (m.gated() ? 2 : 1), 1);
    product(forward, backward, Term.GEMM, tokens, width, m.hidden(), 1);
    forward.elementwise(tokens * width * (m.gated() ? 3 : 2) * act);
    backward.elementwise(tokens * width * (m.gated() ? 5 : 3) * act);
    forward.tensorParallel(tokens * m.hidden() * act, 2);
    backward.tensorParallel(tokens * m.hidden() * act, p.sequenceParallel() ? 3 : 2);
    if (s.recompute() == Recompute.FEED_FORWARD) {
      Pass again = new Pass();
      product(again, new Pass(), Term.GEMM, tokens, m.hidden(), width * (m.gated() ? 2 : 1), 1);
      again.elementwise(tokens * width * (m.gated() ? 3 : 2) * act);
      backward.addAll(again);
    }
  }

  private void experts(Pass forward, Pass backward) {
    Pass ahead = new Pass();
    var experts = m.experts();
    double mine = tokens / (p.sequenceParallel() ? p.tp() : 1);
    double sent = mine * experts.topK() * s.job().load();
    double local = Math.max(1, (double) experts.count() / p.ep());
    double width = (double) experts.ffn() / p.etp();
    boolean replicated = !p.sequenceParallel() && p.tp() > 1;
    double computed = sent * (replicated ? 1 : p.etp());
    product(ahead, backward, Term.GEMM, mine, m.hidden(), experts.count(), 1);
    int in = m.gated() ? 2 : 1;
    product(ahead, backward, Term.EXPERTS, computed / local, m.hidden(), width * in, local);
    product(ahead, backward, Term.EXPERTS, computed / local, width, m.hidden(), local);
    ahead.elementwise(computed * width * (in + 1) * act);
    backward.elementwise(computed * width * (2 * in + 1) * act);
    // Sorted before they are sent and after they came, forwards and back: a read and a write each.
    double sorted = (p.ep() > 1 ? 8 : 4) * sent * m.hidden() * act;
    ahead.elementwise(sorted);
    backward.elementwise(sorted);
    ahead.kernels(ROUTING_KERNELS);
    backward.kernels(2 * ROUTING_KERNELS);
    Group dealt = new Group(p.ep(), p.etp());
    double toExperts =
        2 * net.allToAll(dealt, sent * m.hidden() * act, s.software().copies(experts.topK()));
    if (s.software().hidesAllToAll()) {
      // Under the passes of another micro-batch (DualPipe, arXiv 2412.19437, section 3.2.1).
      ahead.add(Term.ALL_TO_ALL, beyond(toExperts, ahead.seconds() + forward.seconds()));
      backward.add(Term.ALL_TO_ALL, beyond(toExperts, backward.seconds()));
    } else {
      ahead.add(Term.ALL_TO_ALL, toExperts);
      backward.add(Term.ALL_TO_ALL, toExperts);
    }
    if (p.etp() > 1) {
      double gathered = (p.ep() == 1 ? mine : sent) * p.etp() * m.hidden() * act;
      double exchange = 2 * net.ring(new Group(p.etp(), 1), gathered);
      ahead.add(Term.TENSOR_PARALLEL, exchange);
      backward.add(Term.TENSOR_PARALLEL, exchange);
    }
    forward.addAll(ahead);
    if (s.recompute() == Recompute.FEED_FORWARD) {
      backward.addAll(ahead);
    }
  }

  private void head(Pass forward, Pass backward) {
    double width = (double) m.vocab() / p.tp();
    wide(forward, backward, Term.GEMM, tokens, m.hidden(), width, 1, wideType());
    // Logits in f32: written, read for maximum and sum, gradient written and read.
    forward.elementwise(tokens * width * 12);
    backward.elementwise(tokens * width * 8);
    forward.elementwise(tokens * m.hidden() * 2 * act / split);
    backward.elementwise(tokens * m.hidden() * 3 * act / split);
    forward.kernels(10);
    backward.kernels(10);
    forward.tensorParallel(tokens * m.hidden() * act, 1);
    backward.tensorParallel(tokens * m.hidden() * act, 1);
  }

  private void product(
      Pass forward, Pass backward, Term term, double rows, double in, double out, double count) {
    ComputeType type = s.job().type();
    wide(forward, backward, term, rows, in, out, count, type);
    if (type == ComputeType.FP8) {
      // Inputs and gradients cast: read in bf16, written in 8 bits, plain and transposed.
      forward.elementwise(count * rows * in * 4);
      backward.elementwise(count * rows * out * 4);
      forward.kernels(2);
      backward.kernels(2);
    }
  }

  /** {@code count} products of rows × in by in × out, and the two of each backwards. */
  private void wide(
      Pass forward,
      Pass backward,
      Term term,
      double rows,
      double in,
      double out,
      double count,
      ComputeType type) {
    double once = count * gemm(rows, in, out, type);
    forward.add(term, once);
    backward.add(term, 2 * once);
    forward.kernels(1);
    backward.kernels(2);
  }

  private double gemm(double rows, double in, double out, ComputeType type) {
    double flops = 2 * rows * in * out;
    double shape = rows / (rows + e.tile()) * (in / (in + e.tile())) * (out / (out + e.tile()));
    double peak = s.device().peak(type) * s.device().achievable().orElse(e.gemm());
    double bytes =
        Math.max(
            flops / e.reuse() * type.bytes() / 2,
            (rows * in + in * out) * type.bytes() + rows * out * act);
    return flops / (peak * shape) + bytes / memory();
  }

  /** FLOP/s of a large product that is not in 8 bits. */
  private double rate() {
    ComputeType type = wideType();
    double peak = s.device().peak(type) * s.device().achievable().orElse(e.gemm());
    return 1 / (1 / peak + type.bytes() / 2.0 / e.reuse() / memory());
  }

  /** FP8 is for products with weights; attention and head stay in bf16. */
  private ComputeType wideType() {
    return s.job().type() == ComputeType.FP8 ? ComputeType.BF16 : s.job().type();
  }

  private double memory() {
    return s.device().memoryBandwidth() * e.memory();
  }

  /**
   * What an exchange that runs under computation adds: what does not fit under it, and at least the
   * share by which the exchange slows the computation down.
   */
  private double beyond(double exchange, double cover) {
    return Math.max(exchange - cover, exchange * (1 - e.hidden()));
  }

  /**
   * ZeRO-3: weights gathered for either pass and gradients scattered, under the part's own time.
   */
  private void shardedWeights(Part part, Pass forward, Pass backward) {
    if (s.job().zero() < 3) {
      return;
    }
    double trunk = trunkParameters(part);
    double experts = part == Part.EXPERT_LAYER ? expertParameters() : 0;
    Group data = new Group(p.trunkReplicas(), p.tp());
    Group expertData = new Group(p.expertReplicas(), p.ep() * p.etp());
    int messages = s.software().gathersPerLayer();
    double once =
        net.ring(data, trunk * 2, messages)
            + (experts > 0 ? net.ring(expertData, experts * 2, messages) : 0);
    if (s.software().hidesDataParallel()) {
      forward.add(Term.WEIGHT_GATHER, beyond(once, forward.seconds()));
      backward.add(Term.WEIGHT_GATHER, beyond(2 * once, backward.seconds()));
    } else {
      forward.add(Term.WEIGHT_GATHER, once);
      backward.add(Term.WEIGHT_GATHER, 2 * once);
    }
  }

  /** Parameters of a rank's part of the trunk in a part. */
  private double trunkParameters(Part part) {
    double weights =
        switch (part) {
          case EMBEDDING, HEAD -> (double) m.vocab() * m.hidden();
          case DENSE_LAYER -> m.attentionWeights() + m.feedForward(m.ffn());
          case EXPERT_LAYER ->
              m.attentionWeights()
                  + m.feedForward(m.experts().sharedFfn())
                  + (double) m.hidden() * m.experts().count() * p.tp();
        };
    return weights / p.tp();
  }

  /** Parameters of a rank's experts in a layer. */
  private double expertParameters() {
    return (double) m.experts().count() / p.ep() * m.feedForward(m.experts().ffn()) / p.etp();
  }

  @Override
  public StepCost step(double trunk, double experts, double cover) {
    double exchange = 0;
    if (s.job().zero() < 3) {
      Group data = new Group(p.trunkReplicas(), p.tp());
      Group expertData = new Group(p.expertReplicas(), p.ep() * p.etp());
      double bytes = s.job().gradientBytes() + (s.job().zero() > 0 ? 2 : s.job().gradientBytes());
      exchange = net.ring(data, trunk * bytes) + net.ring(expertData, experts * bytes);
      if (s.software().hidesDataParallel()) {
        exchange = beyond(exchange, cover);
      }
    }
    double shards = s.job().zero() > 0 ? p.trunkReplicas() : 1;
    double expertShards = s.job().zero() > 0 ? p.expertReplicas() : 1;
    // AdamW reads gradient, weight and both moments, writes three of them and the weight.
    double updated = (trunk / shards + experts / expertShards) * (4 + 2 * 12 + 2);
    return new StepCost(exchange, updated / memory());
  }

  /** The seconds of a pass of one part by term. */
  private final class Pass {
    private final Map<Term, Double> terms = new EnumMap<>(Term.class);

    void add(Term term, double seconds) {
      terms.merge(term, seconds, Double::sum);
    }

    void addAll(Pass other) {
      other.terms.forEach(this::add);
    }

    void elementwise(double bytes) {
      add(Term.ELEMENTWISE, bytes / memory());
    }

    void kernels(int count) {
      add(Term.LAUNCH, count * e.launch());
    }

    /** {@code count} all-gathers or reduce-scatters over TP. */
    void tensorParallel(double bytes, int count) {
      double seconds = count * net.ring(new Group(p.tp(), 1), bytes);
      double hidden = s.software().hidesTensorParallel() ? e.hidden() : 0;
      add(Term.TENSOR_PARALLEL, seconds * (1 - hidden));
    }

    double get(Term term) {
      return terms.getOrDefault(term, 0.0);
    }

    double seconds() {
      return terms.values().stream().mapToDouble(Double::doubleValue).sum();
    }
  }
}
