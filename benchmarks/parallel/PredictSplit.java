import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.StageTime;
import dev.graft.search.PartitionSearch;
import dev.graft.search.PipelineProblem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What the planner says of a pipeline whose parts were measured: the split that it would choose, and for that and the even
 * one the simulated seconds of a step's passes.
 *
 * <p>usage: java -cp CLASS_PATH PredictSplit.java LAYERS STAGES MICROS LAYER_FORWARD LAYER_BACKWARD EMBEDDING_FORWARD
 * EMBEDDING_BACKWARD HEAD_FORWARD HEAD_BACKWARD TRANSFER, all in seconds a micro-batch
 */
final class PredictSplit {
  public static void main(String[] arguments) {
    int layers = Integer.parseInt(arguments[0]);
    int stages = Integer.parseInt(arguments[1]);
    int micros = Integer.parseInt(arguments[2]);
    double[] t = Arrays.stream(arguments).skip(3).mapToDouble(Double::parseDouble).toArray();
    PipelineProblem problem = new Measured(layers, stages, micros, t);
    List<Integer> planned = PartitionSearch.best(problem).orElseThrow().stages();
    List<Integer> even = new ArrayList<>();
    for (int s = 0; s < stages; s++) {
      even.add(layers / stages + (s < layers % stages ? 1 : 0));
    }
    System.out.printf(
        Locale.ROOT,
        "{\"planned\": %s, \"planned_seconds\": %.9f, \"even\": %s, \"even_seconds\": %.9f}%n",
        planned,
        seconds(planned, micros, t),
        even,
        seconds(even, micros, t));
  }

  /** Layers that are alike, with an embedding before and a head behind them, and no limit of memory. */
  private record Measured(int layers, int stages, int microBatches, double[] t) implements PipelineProblem {
    @Override
    public double memory(int stage) {
      return Double.MAX_VALUE;
    }

    @Override
    public boolean isUniform() {
      return true;
    }

    @Override
    public double time(int stage, int from, int count, int recomputed) {
      StageTime time = stageTime(stage, stages, count, t);
      return time.forward() + time.backward() + recomputed * t[0];
    }

    @Override
    public double bytes(int stage, int from, int count, int recomputed) {
      return 0;
    }
  }

  private static StageTime stageTime(int stage, int stages, int count, double[] t) {
    boolean first = stage == 0;
    boolean last = stage == stages - 1;
    return new StageTime(
        count * t[0] + (first ? t[2] : 0) + (last ? t[4] : 0),
        count * t[1] + (first ? t[3] : 0) + (last ? t[5] : 0));
  }

  private static double seconds(List<Integer> split, int micros, double[] t) {
    List<StageTime> times = new ArrayList<>();
    for (int s = 0; s < split.size(); s++) {
      times.add(stageTime(s, split.size(), split.get(s), t));
    }
    return OneForwardOneBackward.simulate(times, micros, t[6]).seconds();
  }
}
