package dev.graft.spark;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where a rank stands among those of a run, as the tasks of the stage have told each other.
 *
 * @param rank from 0
 * @param size ranks of the run
 * @param localRank its place among those of its host
 * @param localSize ranks of its host
 * @param host where rank 0 waits
 * @param port there
 */
record RankPlace(int rank, int size, int localRank, int localSize, String host, int port) {
  /** What a task says of itself. */
  static String introduction(String host, int port) {
    return host + " " + port;
  }

  /**
   * Reads what all have said.
   *
   * @param introductions of each task, in order
   */
  static RankPlace of(int rank, String... introductions) {
    String own = host(introductions[rank]);
    int localRank = 0;
    int localSize = 0;
    for (int r = 0; r < introductions.length; r++) {
      if (host(introductions[r]).equals(own)) {
        localRank += r < rank ? 1 : 0;
        localSize++;
      }
    }
    String first = introductions[0];
    int port = Integer.parseInt(first.substring(first.indexOf(' ') + 1));
    return new RankPlace(rank, introductions.length, localRank, localSize, host(first), port);
  }

  private static String host(String introduction) {
    return introduction.substring(0, introduction.indexOf(' '));
  }

  /** The same in torchrun's words. */
  Map<String, String> environment() {
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("RANK", "" + rank);
    variables.put("WORLD_SIZE", "" + size);
    variables.put("LOCAL_RANK", "" + localRank);
    variables.put("LOCAL_WORLD_SIZE", "" + localSize);
    variables.put("MASTER_ADDR", host);
    variables.put("MASTER_PORT", "" + port);
    return variables;
  }
}
