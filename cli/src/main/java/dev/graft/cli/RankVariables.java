package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Map;
import java.util.Optional;

/**
 * A process's place among those of a run, as the program that started them says in environment
 * variables: torchrun's (also {@code graft launch} and Kubeflow), Slurm's or Open MPI's.
 *
 * @param rank from 0
 * @param size processes of the run
 * @param localSize of these, how many are on this host
 * @param host where rank 0 waits
 * @param port there
 */
record RankVariables(int rank, int size, int localSize, String host, int port) {
  /** The process that started this one and must outlive it, by its number. */
  static final String LAUNCHER = "GRAFT_LAUNCHER_PID";

  /** What torch uses where nothing says otherwise. */
  private static final int DEFAULT_PORT = 29500;

  /**
   * Reads the variables.
   *
   * @return empty for a process that is alone
   * @throws InvalidInputException if some are missing or no numbers
   */
  static Optional<RankVariables> of(Map<String, String> environment) {
    Reader reader = new Reader(environment);
    return reader
        .read("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE")
        .or(() -> reader.read("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_NTASKS_PER_NODE"))
        .or(() ->
            reader.read(
                "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"))
        .filter(variables -> variables.size() > 1);
  }

  private record Reader(Map<String, String> environment) {
    Optional<RankVariables> read(String size, String rank, String localSize) {
      Optional<Integer> count = number(size);
      if (count.isEmpty() || count.get() == 1) {
        return Optional.empty();
      }
      int own =
          number(rank)
              .orElseThrow(() ->
                  new InvalidInputException(
                      size + " is set, but " + rank + " is not; set both or neither"));
      if (own < 0 || own >= count.get()) {
        throw new InvalidInputException(
            rank
                + " is "
                + own
                + ", but ranks go from 0 to "
                + (count.get() - 1)
                + " ("
                + size
                + ")");
      }
      int local = number(localSize).orElse(count.get());
      return Optional.of(
          new RankVariables(
              own,
              count.get(),
              Math.max(1, Math.min(local, count.get())),
              host(local >= count.get()),
              number("MASTER_PORT").orElse(DEFAULT_PORT)));
    }

    private String host(boolean oneHost) {
      return text("MASTER_ADDR")
          .or(() -> text("SLURM_LAUNCH_NODE_IPADDR"))
          .or(() -> oneHost ? Optional.of("127.0.0.1") : Optional.empty())
          .orElseThrow(() ->
              new InvalidInputException(
                  "MASTER_ADDR is not set; set it to the address of rank 0's host"));
    }

    private Optional<String> text(String name) {
      return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    private Optional<Integer> number(String name) {
      try {
        return text(name).map(Integer::valueOf);
      } catch (NumberFormatException e) {
        throw new InvalidInputException(
            name + " is '" + environment.get(name) + "'; it must be a number", e);
      }
    }
  }
}
