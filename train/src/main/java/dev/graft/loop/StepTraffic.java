package dev.graft.loop;

import dev.graft.events.Event;
import dev.graft.parallel.Team;
import dev.graft.parallel.TensorGroup;
import java.util.ArrayList;
import java.util.List;

/** What each rank exchanged in a step, told to all. */
final class StepTraffic {
  private static final List<String> NAMES =
      List.of("tensor", "experts", "data", "expert-data", "pipeline", "world");

  private final Team team;
  private final List<TensorGroup> groups;
  private final List<TensorGroup.Traffic> before = new ArrayList<>();

  /** Starts to count. */
  StepTraffic(Team team) {
    this.team = team;
    TensorGroup expertData =
        team.expertData() == team.data() ? TensorGroup.alone() : team.expertData();
    this.groups =
        List.of(
            team.tensor(), team.experts(), team.data(), expertData, team.pipeline(), team.world());
    groups.forEach(group -> before.add(group.traffic()));
  }

  /** Ends counting; all ranks call it. */
  Event.Communication event(int step) {
    int width = 2 * groups.size();
    double[] values = new double[team.world().size() * width];
    for (int g = 0; g < groups.size(); g++) {
      TensorGroup.Traffic traffic = groups.get(g).traffic().since(before.get(g));
      values[team.rank() * width + 2 * g] = traffic.bytes();
      values[team.rank() * width + 2 * g + 1] = traffic.seconds();
    }
    double[] all = team.world().allReduceSum(values);
    List<Event.Exchange> exchanges = new ArrayList<>();
    for (int rank = 0; rank < team.world().size(); rank++) {
      for (int g = 0; g < groups.size(); g++) {
        int at = rank * width + 2 * g;
        if (groups.get(g).size() > 1) {
          exchanges.add(new Event.Exchange(rank, NAMES.get(g), Math.round(all[at]), all[at + 1]));
        }
      }
    }
    return new Event.Communication(step, List.copyOf(exchanges));
  }
}
