package dev.graft.search;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cost.Parallelism;
import dev.graft.cost.TransformerShape;
import dev.graft.layout.ExpertScheme;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * All meshes of a cluster: stages, chunks, TP inside a node, DP, experts by each scheme, and
 * micro-batches; each with its best split of layers and recomputation. Meshes are taken in the
 * order of the least that they could take, until that is more than what the plans found take.
 */
public final class PlanSearch {
  private static final int MOST_STAGES = 128;
  private static final int MOST_CHUNKS = 8;
  private static final int[] MICRO_BATCHES = {1, 2, 4, 8, 16};

  private final PlanRequest request;

  /** Of a request. */
  public PlanSearch(PlanRequest request) {
    this.request = request;
  }

  /**
   * What was found.
   *
   * @param plans best first
   * @param meshes how many there are
   * @param priced how many had to be looked at
   */
  public record Found(List<Plan> plans, int meshes, int priced) {
    /** Keeps its own list. */
    public Found {
      plans = List.copyOf(plans);
    }
  }

  /**
   * The best plans.
   *
   * @param top how many
   * @throws InvalidInputException if none fits, with what would; or if what is held cannot be
   */
  public Found best(int top) {
    Cluster cluster = request.cluster();
    request
        .fixed()
        .check(
            cluster.size(),
            cluster.nodeSize(),
            request.shape().layers(),
            request.shape().experts().count());
    List<Candidate> candidates = candidates(request);
    if (candidates.isEmpty()) {
      throw new InvalidInputException(
          "No mesh of %s goes with a global batch of %d%s; choose a batch that more degrees of DP divide, or hold less"
              .formatted(
                  cluster.describe(),
                  request.job().globalBatch(),
                  request.fixed().words().isEmpty()
                      ? ""
                      : " and --fix " + request.fixed().words()));
    }
    candidates.sort(Comparator.comparingDouble(Candidate::leastSeconds));
    List<Plan> plans = new ArrayList<>();
    int priced = 0;
    for (Candidate candidate : candidates) {
      if (plans.size() >= top && candidate.leastSeconds() >= plans.get(top - 1).seconds()) {
        break;
      }
      priced++;
      double worth = plans.size() < top ? Double.POSITIVE_INFINITY : plans.get(top - 1).seconds();
      candidate.best(worth).ifPresent(plans::add);
      plans.sort(Comparator.comparingDouble(Plan::seconds));
      if (plans.size() > top) {
        plans.removeLast();
      }
    }
    if (plans.isEmpty()) {
      throw doesNotFit(candidates);
    }
    return new Found(plans, candidates.size(), priced);
  }

  /** Whether what is held goes with the cluster and something fits. */
  public boolean isPossible() {
    try {
      return !best(1).plans().isEmpty();
    } catch (InvalidInputException e) {
      return false;
    }
  }

  /**
   * The mesh and the layers of another request's plan under this one, with what each stage then has
   * to recompute; empty if it does not fit.
   *
   * @throws InvalidInputException if the mesh does not go with the global batch
   */
  public Optional<Plan> same(Plan plan) {
    return candidate(plan).priced(plan.layers());
  }

  /** The candidate of a plan. */
  Candidate candidate(Plan plan) {
    return new Candidate(request, plan.parallelism(), plan.microBatch());
  }

  /**
   * What a plan saves beside the even split of its mesh, and by what.
   *
   * @param even the even split, every stage recomputing the share that the tightest one needs
   * @param recompute seconds saved by recomputing on each stage only what it needs
   * @param head seconds saved besides by making room for embedding and head
   * @param layers seconds saved besides by moving layers away from where they would be recomputed
   */
  public record Gain(Plan even, double recompute, double head, double layers) {}

  /** The gain of a plan; empty where the even split does not fit, or chunks or one stage has it. */
  public Optional<Gain> gain(Plan plan) {
    if (plan.parallelism().chunks() > 1 || plan.parallelism().pp() == 1) {
      return Optional.empty();
    }
    Candidate candidate = candidate(plan);
    Optional<Plan> alike = candidate.evenAlike();
    if (alike.isEmpty()) {
      return Optional.empty();
    }
    double each = candidate.even().orElseThrow().seconds();
    double seeing =
        PartitionSearch.best(candidate.unlimited())
            .flatMap(split -> candidate.priced(split.stages()))
            .map(Plan::seconds)
            .filter(seconds -> seconds < each)
            .orElse(each);
    return Optional.of(
        new Gain(
            alike.get(), alike.get().seconds() - each, each - seeing, seeing - plan.seconds()));
  }

  /** The even split of a plan's mesh; empty if it does not fit. */
  public Optional<Plan> even(Plan plan) {
    return candidate(plan).even();
  }

  private InvalidInputException doesNotFit(List<Candidate> candidates) {
    Candidate best = candidates.getFirst();
    for (Candidate candidate : candidates) {
      if (fill(candidate) < fill(best)) {
        best = candidate;
      }
    }
    Candidate.Lean lean = best.leanest();
    String parts =
        String.format(
            Locale.ROOT,
            "%.1f GB weights, %.1f gradients, %.1f optimizer, %.1f activations, %.1f besides",
            lean.use().weights() / 1e9,
            lean.use().gradients() / 1e9,
            lean.use().optimizer() / 1e9,
            lean.use().activations() / 1e9,
            (lean.use().working() + lean.use().buffers()) / 1e9);
    return new InvalidInputException(
        String.format(
            Locale.ROOT,
            "Nothing fits %s: the leanest mesh (%s, everything recomputed) needs %.1f GB on stage %d (%s) and may fill %.1f; %s",
            request.cluster().describe(),
            best.mesh().describe(),
            lean.use().total() / 1e9,
            lean.stage(),
            parts,
            lean.limit() / 1e9,
            remedy()));
  }

  private static double fill(Candidate candidate) {
    Candidate.Lean lean = candidate.leanest();
    return lean.use().total() / lean.limit();
  }

  /** The smallest number of nodes of the same devices that would do. */
  private String remedy() {
    Cluster cluster = request.cluster();
    if (!cluster.isUniform()) {
      return "take more devices or devices with more memory";
    }
    int node = cluster.nodeSize();
    int enough = Math.max(node, cluster.size());
    for (int doubled = 0; doubled < 14 && !fits(enough); doubled++) {
      enough = Math.max(node, enough / node * node) * 2;
    }
    if (!fits(enough)) {
      return "no number of these devices helps, so take a smaller sequence or devices with more memory";
    }
    for (int nodes = cluster.size() / node + 1; nodes * node < enough; nodes++) {
      if (fits(nodes * node)) {
        enough = nodes * node;
      }
    }
    return String.format(
        Locale.ROOT, "the smallest cluster of these devices that would do is %d", enough);
  }

  private boolean fits(int devices) {
    PlanRequest other = request.with(Fixed.NOTHING).on(request.cluster().resized(devices));
    return candidates(other).stream().anyMatch(candidate -> candidate.leanest().fits());
  }

  /** All meshes that what is held allows. */
  private static List<Candidate> candidates(PlanRequest request) {
    Fixed fixed = request.fixed();
    TransformerShape shape = request.shape();
    Cluster cluster = request.cluster();
    int world = cluster.size();
    List<Candidate> candidates = new ArrayList<>();
    for (int tp = 1; tp <= Math.min(cluster.nodeSize(), world); tp++) {
      boolean given = fixed.of(Degree.TP).isPresent();
      if (!fixed.allows(Degree.TP, tp)
          || world % tp != 0
          || (!given && (shape.heads() % tp != 0 || Integer.bitCount(tp) != 1))) {
        continue;
      }
      for (int pp = 1; pp <= Math.min(shape.layers(), Math.min(MOST_STAGES, world / tp)); pp++) {
        if (!fixed.allows(Degree.PP, pp) || world / tp % pp != 0) {
          continue;
        }
        int dp = world / tp / pp;
        if (!fixed.allows(Degree.DP, dp)) {
          continue;
        }
        for (int microBatch : microBatches(fixed)) {
          if (request.job().globalBatch() % ((long) dp * microBatch) != 0) {
            continue;
          }
          int count = request.job().globalBatch() / (dp * microBatch);
          for (int chunks : chunks(fixed, shape.layers(), pp, count)) {
            for (int[] experts : experts(request, dp, tp)) {
              candidates.add(
                  new Candidate(
                      request,
                      new Parallelism(pp, chunks, dp, tp, 1, experts[0], experts[1], tp > 1),
                      microBatch));
            }
          }
        }
      }
    }
    return candidates;
  }

  private static int[] microBatches(Fixed fixed) {
    return fixed.of(Degree.MB).isPresent()
        ? new int[] {fixed.of(Degree.MB).getAsInt()}
        : MICRO_BATCHES;
  }

  private static List<Integer> chunks(Fixed fixed, int layers, int pp, int microBatches) {
    List<Integer> chunks = new ArrayList<>();
    for (int c = 1; c <= Math.min(MOST_CHUNKS, layers / pp); c++) {
      boolean goes = c == 1 || (pp > 1 && microBatches % pp == 0);
      if (goes && fixed.allows(Degree.CHUNKS, c)) {
        chunks.add(c);
      }
    }
    return chunks;
  }

  /** Pairs of EP and ETP: the schemes of a recipe, and whole experts over any divisor. */
  private static List<int[]> experts(PlanRequest request, int dp, int tp) {
    int count = request.shape().experts().count();
    Set<List<Integer>> pairs = new LinkedHashSet<>();
    if (count == 0) {
      return List.of(new int[] {1, 1});
    }
    Fixed fixed = request.fixed();
    for (ExpertScheme scheme : ExpertScheme.values()) {
      if (fixed.experts().isEmpty() || fixed.experts().get() == scheme) {
        Parallelism mesh = Parallelism.of(1, 1, dp, tp, scheme);
        pairs.add(List.of(mesh.ep(), mesh.etp()));
      }
    }
    if (fixed.experts().isEmpty()) {
      for (int ep = 1; ep <= Math.min(count, dp * tp); ep++) {
        pairs.add(List.of(ep, 1));
        if (dp % ep == 0) {
          pairs.add(List.of(ep, tp));
        }
      }
    }
    List<int[]> allowed = new ArrayList<>();
    for (List<Integer> pair : pairs) {
      int ep = pair.get(0);
      int etp = pair.get(1);
      if (count % ep == 0
          && dp * tp % (ep * etp) == 0
          && fixed.allows(Degree.EP, ep)
          && fixed.allows(Degree.ETP, etp)) {
        allowed.add(new int[] {ep, etp});
      }
    }
    return allowed;
  }
}
