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
    PipelineProblem problem =
        new PipelineProblem(
            layers, stages, micros, t[0], t[1], t[2] + t[3], t[4] + t[5], 0, 0, 0, 0, 0, Double.MAX_VALUE);
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

  private static double seconds(List<Integer> split, int micros, double[] t) {
    List<StageTime> times = new ArrayList<>();
    for (int s = 0; s < split.size(); s++) {
      boolean first = s == 0;
      boolean last = s == split.size() - 1;
      times.add(
          new StageTime(
              split.get(s) * t[0] + (first ? t[2] : 0) + (last ? t[4] : 0),
              split.get(s) * t[1] + (first ? t[3] : 0) + (last ? t[5] : 0)));
    }
    return OneForwardOneBackward.simulate(times, micros, t[6]).seconds();
  }
}
