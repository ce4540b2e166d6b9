package dev.graft.published;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Fields;
import dev.graft.cost.CostModel;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Term;
import dev.graft.published.PublishedRun.Metric;
import dev.graft.search.Pricing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Published runs, read and predicted. */
public final class Replay {
  /**
   * The rows of a file.
   *
   * @param runs those that can be replayed
   * @param left out, each with the reason
   */
  public record Runs(List<PublishedRun> runs, List<String> left) {}

  private Replay() {}

  /** The project's own selection. */
  public static Fields shipped() {
    return Fields.resource(Replay.class, "runs.yaml");
  }

  /**
   * Reads the training and layer rows; inference rows are another matter.
   *
   * @throws InvalidInputException if the file has no rows, or one without an id or a kind
   */
  public static Runs read(Fields file) {
    Practices practices = Practices.shipped();
    List<PublishedRun> runs = new ArrayList<>();
    List<String> left = new ArrayList<>();
    for (Fields row : file.list("rows")) {
      String id = row.text("id");
      String kind = row.text("kind");
      try {
        if (kind.equals("training") || kind.equals("layer_time")) {
          runs.addAll(new RunReader(row, practices).read());
        }
      } catch (InvalidInputException e) {
        left.add(id + ": " + e.getMessage());
      }
    }
    return new Runs(List.copyOf(runs), List.copyOf(left));
  }

  /** Predicts one. */
  public static Comparison predict(PublishedRun run, CostModel model) {
    if (run.metric() == Metric.LAYER_FORWARD_MS || run.metric() == Metric.LAYER_BACKWARD_MS) {
      return layer(run, model.costs(run.setting()));
    }
    Parallelism mesh = run.setting().parallelism();
    int[] counts = Pricing.even(run.setting().shape().layers(), mesh.pp() * mesh.chunks());
    double[] recomputed =
        Arrays.stream(counts).mapToDouble(count -> count * run.recomputedShare()).toArray();
    Pricing.Price price =
        Pricing.price(run.setting(), model, counts, recomputed, run.microBatches());
    return new Comparison(run, run.inMetric(price.seconds()), price.seconds(), price.terms());
  }

  private static Comparison layer(PublishedRun run, LayerCosts costs) {
    PartCost cost = costs.of(run.isMixture() ? Part.EXPERT_LAYER : Part.DENSE_LAYER);
    boolean forward = run.metric() == Metric.LAYER_FORWARD_MS;
    double again = forward ? 0 : run.recomputedShare() * cost.recompute();
    double seconds = (forward ? cost.forward() : cost.backward()) + again;
    Map<String, Double> terms = new LinkedHashMap<>();
    for (Term term : Term.values()) {
      double spent = (forward ? cost.forwardTerms() : cost.backwardTerms()).getOrDefault(term, 0.0);
      if (spent > 0) {
        terms.put(term.words(), spent);
      }
    }
    if (again > 0) {
      terms.put("recomputed", again);
    }
    return new Comparison(run, 1000 * seconds, seconds, terms);
  }
}
