package dev.graft.spark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the command line asks for.
 *
 * @param master URL of the cluster
 * @param processes ranks of the run
 * @param restarts how often a run that lost a rank is started again
 * @param port where rank 0 waits for the others; 0 for any that is free
 * @param settings of Spark
 * @param command that is one rank, with its arguments
 */
record LaunchRequest(
    String master,
    int processes,
    int restarts,
    int port,
    Map<String, String> settings,
    List<String> command) {
  LaunchRequest {
    settings = Map.copyOf(settings);
    command = List.copyOf(command);
  }

  /**
   * Reads {@code MASTER N RESTARTS PORT [KEY=VALUE…] -- COMMAND…}.
   *
   * @throws IllegalArgumentException if that is not what is given
   */
  static LaunchRequest parse(String... arguments) {
    List<String> all = List.of(arguments);
    int dashes = all.indexOf("--");
    if (dashes < 4 || dashes + 1 == all.size()) {
      throw new IllegalArgumentException(
          "give MASTER N RESTARTS PORT [KEY=VALUE...] -- COMMAND..., as graft launch does");
    }
    Map<String, String> settings = new LinkedHashMap<>();
    for (String setting : all.subList(4, dashes)) {
      int equals = setting.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException(
            "--spark-conf is '" + setting + "'; give it as KEY=VALUE, such as spark.cores.max=4");
      }
      settings.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    return new LaunchRequest(
        all.get(0),
        Integer.parseInt(all.get(1)),
        Integer.parseInt(all.get(2)),
        Integer.parseInt(all.get(3)),
        settings,
        all.subList(dashes + 1, all.size()));
  }

  /** The command of a try. */
  List<String> command(boolean goOn) {
    if (!goOn || command.contains(RESUME)) {
      return command;
    }
    List<String> again = new ArrayList<>(command);
    again.add(RESUME);
    return again;
  }

  private static final String RESUME = "--resume";
}
