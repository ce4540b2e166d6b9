package dev.graft.spark;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.BarrierTaskContext;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction1;

/**
 * One task of the barrier stage: it learns where rank 0 is, starts its rank as a child process, and
 * ends as that ends.
 */
final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<Integer>>
    implements java.io.Serializable {
  private static final long serialVersionUID = 1L;

  /** Between two looks at whether Spark has cancelled the task, which a wait would miss. */
  private static final long POLL_MILLIS = 100;

  /** One that was told of a loss waits for the one that was lost to be named first. */
  private static final long GRACE_MILLIS = 3000;

  /** The rank saves on SIGTERM. */
  private static final long SAVE_SECONDS = 60;

  private static final int SIGNALLED = 128;
  private static final int INVALID_INPUT = 2;

  private final String[] command;
  private final String directory;
  private final int port;
  private final OutputRelay.Address output;

  /**
   * A rank.
   *
   * @param command of it
   * @param directory it runs in, the same on all hosts
   * @param port where rank 0 waits; 0 for any that is free
   * @param output where rank 0's output goes
   */
  RankTask(List<String> command, Path directory, int port, OutputRelay.Address output) {
    this.command = command.toArray(String[]::new);
    this.directory = directory.toString();
    this.port = port;
    this.output = output;
  }

  @Override
  public Iterator<Integer> apply(Iterator<Integer> nothing) {
    BarrierTaskContext context = BarrierTaskContext.get();
    int rank = context.partitionId();
    try {
      String host = host(context.getTaskInfos()[rank].address());
      RankPlace place =
          RankPlace.of(
              rank, context.allGather(RankPlace.introduction(host, port > 0 ? port : free(host))));
      run(context, place);
      return scala.collection.Iterator$.MODULE$.empty();
    } catch (IOException e) {
      throw new RankFailure(1, "rank " + rank + " could not be started: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("cancelled", e);
    }
  }

  private void run(BarrierTaskContext context, RankPlace place)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(Path.of(directory).toFile());
    builder.environment().putAll(place.environment());
    builder.environment().put("GRAFT_LAUNCHER_PID", "" + ProcessHandle.current().pid());
    builder.redirectInput(Path.of("/dev/null").toFile());
    if (place.rank() > 0) {
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    }
    Process process = builder.start();
    Thread terminator = new Thread(() -> terminate(process), "terminate-rank");
    Runtime.getRuntime().addShutdownHook(terminator);
    try (RankOutput said = RankOutput.of(process, place.rank() == 0, output)) {
      while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        context.killTaskIfInterrupted();
      }
      said.await();
      if (process.exitValue() != 0) {
        fail(context, place, process.exitValue(), said.sentence());
      }
    } finally {
      process.destroyForcibly();
      forget(terminator);
    }
  }

  private static void fail(BarrierTaskContext context, RankPlace place, int code, String said)
      throws InterruptedException {
    String of = "rank " + place.rank() + " of " + place.size();
    if (code > SIGNALLED) {
      throw new RankFailure(1, of + " was ended by signal " + (code - SIGNALLED));
    }
    if (code != INVALID_INPUT) {
      for (long waited = 0; waited < GRACE_MILLIS; waited += POLL_MILLIS) {
        context.killTaskIfInterrupted();
        Thread.sleep(POLL_MILLIS);
      }
    }
    throw new RankFailure(
        code, of + " ended with " + code + (said.isEmpty() ? "" : ", saying: ") + said);
  }

  /** The executor goes down, as it does when the user asks for an end: the rank may save. */
  private static void terminate(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(SAVE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private static void forget(Thread terminator) {
    try {
      Runtime.getRuntime().removeShutdownHook(terminator);
    } catch (IllegalStateException e) {
      // The executor is going down already.
    }
  }

  /** Spark writes {@code host:port}; its local mode the host only. */
  private static String host(String address) {
    int colon = address.lastIndexOf(':');
    return colon < 0 || address.endsWith("]") ? address : address.substring(0, colon);
  }

  private static int free(String host) throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      return socket.getLocalPort();
    }
  }
}
