package dev.graft.loop;

import dev.graft.events.Event;
import dev.graft.parallel.Team;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What ranks hold, told to all. */
public final class StepMemory {
  private static final int FIELDS = 3;
  private static final int SMALL = 64;

  private long baseline;
  private long state;

  /** Libtorch has started and the model is not there yet. */
  void started() {
    baseline = baseline();
  }

  /**
   * Resident bytes once libtorch has started; a first product loads the library that multiplies.
   */
  public static long baseline() {
    try (PointerScope _ = new PointerScope()) {
      Tensor small = torch.ones(SMALL, SMALL);
      torch.mm(small, small);
    }
    return ResidentSet.bytes();
  }

  /** All that a run keeps from its first step to its last is there. */
  void ready() {
    state = ResidentSet.bytes();
  }

  /** All ranks call it. */
  Event.Memory event(int step, Team team) {
    double[] values = new double[team.world().size() * FIELDS];
    long[] own = {baseline, state, ResidentSet.peak()};
    for (int i = 0; i < FIELDS; i++) {
      values[team.rank() * FIELDS + i] = own[i];
    }
    double[] all = team.world().allReduceSum(values);
    List<Event.RankMemory> ranks = new ArrayList<>();
    for (int rank = 0; rank < team.world().size(); rank++) {
      int at = rank * FIELDS;
      ranks.add(
          new Event.RankMemory(
              rank, Math.round(all[at]), Math.round(all[at + 1]), Math.round(all[at + 2])));
    }
    return new Event.Memory(step, List.copyOf(ranks));
  }
}
