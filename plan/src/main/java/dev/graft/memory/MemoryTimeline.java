package dev.graft.memory;

import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.Pass;
import java.util.ArrayList;
import java.util.List;

/** The bytes that a rank of a stage holds over a step. */
public record MemoryTimeline(List<Moment> moments) {
  /**
   * From here on.
   *
   * @param seconds since the step began
   * @param bytes held
   */
  public record Moment(double seconds, double bytes) {}

  /** Keeps its own list. */
  public MemoryTimeline {
    moments = List.copyOf(moments);
  }

  /**
   * What a simulated step makes of a stage's memory.
   *
   * @param use at its fullest
   */
  public static MemoryTimeline of(OneForwardOneBackward step, int stage, MemoryUse use) {
    List<Pass> passes = step.passes().stream().filter(pass -> pass.stage() == stage).toList();
    int most = 0;
    int kept = 0;
    for (Pass pass : passes) {
      kept += pass.isForward() ? 1 : -1;
      most = Math.max(most, kept);
    }
    double perPass = most == 0 ? 0 : use.activations() / most;
    double still = use.total() - use.activations() - use.working();
    List<Moment> moments = new ArrayList<>();
    moments.add(new Moment(0, still));
    kept = 0;
    for (Pass pass : passes) {
      if (pass.isForward()) {
        kept++;
        moments.add(new Moment(pass.start(), still + kept * perPass));
      } else {
        moments.add(new Moment(pass.start(), still + kept * perPass + use.working()));
        kept--;
        moments.add(new Moment(pass.end(), still + kept * perPass));
      }
    }
    return new MemoryTimeline(moments);
  }
}
