package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.ProcessForward;
import dev.graft.layout.Collective;
import dev.graft.parallel.Rendezvous;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft rank}: one rank other than 0 of a model that is dealt out to processes. */
@Command(
    name = "rank",
    mixinStandardHelpOptions = true,
    description =
        "Computes one rank's part for a graft with --launch hosts, until that one ends. RANK,"
            + " WORLD_SIZE, MASTER_ADDR and MASTER_PORT stand in for absent options.")
final class RankCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "DIR",
      description = "The model, the same as rank 0's: a Hugging Face directory or a GGUF file.")
  private Path model;

  @Option(names = "--rank", paramLabel = "R", description = "This rank's number, from 1.")
  private Optional<Integer> rank = Optional.empty();

  @Option(names = "--world", paramLabel = "N", description = "How many ranks there are.")
  private Optional<Integer> world = Optional.empty();

  @Option(names = "--master", paramLabel = "HOST:PORT", description = "Where rank 0 waits.")
  private Optional<String> master = Optional.empty();

  @Option(names = "--threads", description = "Threads of this rank (all cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--rank-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "How long ranks wait for each other (${DEFAULT-VALUE}).")
  private int timeout;

  @Override
  public Integer call() throws IOException {
    int number = rank.orElseGet(() -> variable("RANK", "--rank"));
    int size = world.orElseGet(() -> variable("WORLD_SIZE", "--world"));
    Address address = Address.parse(master.orElseGet(RankCommand::masterVariables));
    if (number < 1 || number >= size) {
      throw new InvalidInputException(
          "--rank is "
              + number
              + " of --world "
              + size
              + "; ranks here are 1 to "
              + (size - 1)
              + ", rank 0 is the graft with --launch hosts");
    }
    if (threads < 1 || timeout < 1) {
      throw new InvalidInputException("--threads and --rank-timeout must be at least 1");
    }
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Rendezvous rendezvous =
            Rendezvous.connect(address.host(), address.port(), Duration.ofSeconds(timeout));
        Collective group = rendezvous.join(number, size)) {
      ProcessForward.serve(checkpoint, DecoderOptions.of(1).withThreads(threads), group);
    }
    return ExitCode.DONE.code();
  }

  private static int variable(String name, String option) {
    String value = Optional.ofNullable(System.getenv(name)).orElse("");
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          option
              + " is missing"
              + (value.isEmpty() ? "" : ", and " + name + " is '" + value + "'")
              + "; give it or set "
              + name,
          e);
    }
  }

  private static String masterVariables() {
    String host = System.getenv("MASTER_ADDR");
    String port = System.getenv("MASTER_PORT");
    if (host == null || port == null) {
      throw new InvalidInputException(
          "--master is missing; give it or set MASTER_ADDR and MASTER_PORT");
    }
    return host + ":" + port;
  }
}
