package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft launch}: runs a recipe on several processes of this host or of a Spark cluster. */
@Command(
    name = "launch",
    mixinStandardHelpOptions = true,
    description =
        "Starts a training run as several processes on this host or a Spark cluster, and starts it"
            + " again from its last checkpoint when one is lost.",
    footer = {
      "",
      "Each process gets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT as from torchrun.",
      "On several hosts start graft train by torchrun, srun or mpirun, or on Spark by --spark; all of its hosts see",
      "Graft, the JDK, the recipe and its files at the same places."
    })
final class LaunchCommand implements Callable<Integer> {
  @Option(
      names = "--nproc",
      paramLabel = "N",
      required = true,
      description = "How many processes: pp × dp × tp of the recipe.")
  private int processes;

  @Option(
      names = "--max-restarts",
      paramLabel = "N",
      defaultValue = "3",
      description = "How often a run that lost a rank is started again (${DEFAULT-VALUE}).")
  private int restarts;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "How long ranks wait for one that is silent (${DEFAULT-VALUE}).")
  private int timeout;

  @Option(
      names = "--port",
      paramLabel = "P",
      defaultValue = "0",
      description = "Where rank 0 waits for the others; 0: any that is free.")
  private int port;

  @Option(
      names = "--spark",
      paramLabel = "MASTER_URL",
      description =
          "Start the processes as tasks of a barrier stage on a Spark 4.2 cluster: spark://HOST:PORT,"
              + " local-cluster[WORKERS,CORES,MB] or local[N].")
  private Optional<String> spark = Optional.empty();

  @Option(
      names = "--spark-conf",
      paramLabel = "KEY=VALUE",
      description =
          "A setting of Spark, such as spark.executor.cores=2; may be given several times.")
  private List<String> sparkConf = List.of();

  @Option(
      names = "--plan",
      paramLabel = "FILE",
      description = "Keys that replace the recipe's, as graft plan --output writes them.")
  private Optional<Path> plan = Optional.empty();

  @Option(names = "--resume", description = "Go on from the newest checkpoint of the recipe's out.")
  private boolean resume;

  @Parameters(index = "0", paramLabel = "VERB", description = "train")
  private String verb;

  @Parameters(index = "1", paramLabel = "RECIPE", description = "A YAML file.")
  private Path recipe;

  @Parameters(
      index = "2..*",
      arity = "0..*",
      paramLabel = "KEY=VALUE",
      description = "Overrides, such as parallel.dp=2.")
  private List<String> overrides = List.of();

  @Override
  public Integer call() throws IOException {
    if (!verb.equals("train")) {
      throw new InvalidInputException("graft launch starts train, not '" + verb + "'");
    }
    if (processes < 1 || timeout < 1 || restarts < 0) {
      throw new InvalidInputException(
          "--nproc and --timeout must be at least 1, and --max-restarts at least 0");
    }
    if (!sparkConf.isEmpty() && spark.isEmpty()) {
      throw new InvalidInputException("--spark-conf is for a run by --spark; give that too");
    }
    if (spark.isPresent()) {
      return onSpark(spark.get());
    }
    for (int attempt = 0; ; attempt++) {
      LaunchedRanks ranks =
          LaunchedRanks.start(processes, command(resume || attempt > 0), environment());
      Optional<LaunchedRanks.Failure> failure = ranks.await();
      if (failure.isEmpty()) {
        return ExitCode.DONE.code();
      }
      String what = failure.get().sentence();
      if (failure.get().code() == ExitCode.INVALID_INPUT.code()) {
        throw new InvalidInputException(what);
      }
      if (attempt == restarts || ranks.asked()) {
        throw new IOException(
            what
                + "; started "
                + (attempt + 1)
                + (attempt == 0 ? " time" : " times")
                + ", --resume goes on from the last checkpoint");
      }
      System.err.println(
          "graft: "
              + what
              + "; going on from the last checkpoint (restart "
              + (attempt + 1)
              + " of "
              + restarts
              + ")");
    }
  }

  private int onSpark(String master) throws IOException {
    List<String> arguments =
        new ArrayList<>(List.of(master, "" + processes, "" + restarts, "" + port));
    arguments.addAll(sparkConf);
    return SparkProcess.run(arguments, command(resume));
  }

  private List<String> command(boolean goOn) {
    List<String> command = new ArrayList<>(List.of("train", recipe.toString()));
    command.addAll(overrides);
    command.addAll(List.of("--timeout", "" + timeout));
    plan.ifPresent(file -> command.addAll(List.of("--plan", file.toString())));
    if (goOn) {
      command.add("--resume");
    }
    return command;
  }

  private Map<String, String> environment() throws IOException {
    return Map.of(
        "WORLD_SIZE", "" + processes,
        "LOCAL_WORLD_SIZE", "" + processes,
        "MASTER_ADDR", "127.0.0.1",
        "MASTER_PORT", "" + (port > 0 ? port : free()));
  }

  static int free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
