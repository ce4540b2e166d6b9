package dev.graft.spark;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * The Spark application that {@code graft launch --spark} starts: each try at the run is one
 * barrier stage with a rank per task. A barrier stage without a shuffle behind it is not tried
 * again by Spark, so that the run can go on from its last checkpoint instead.
 */
public final class SparkLaunch {
  private static final int FAILURE = 1;
  private static final int INVALID_INPUT = 2;

  /** What Spark's error classes say where the stage has more tasks than the cluster has places. */
  private static final String TOO_SMALL = "BARRIER_STAGE_REQUIRES_MORE_SLOTS|SPARK-24819";

  private final LaunchRequest request;
  private final PrintStream out;
  private final PrintStream err;

  SparkLaunch(LaunchRequest request, PrintStream out, PrintStream err) {
    this.request = request;
    this.out = out;
    this.err = err;
  }

  /** Runs what {@code graft launch} asks for and ends the process as the run ended. */
  public static void main(String[] args) {
    try {
      System.exit(new SparkLaunch(LaunchRequest.parse(args), System.out, System.err).run());
    } catch (IllegalArgumentException e) {
      System.err.println("graft: " + e.getMessage());
      System.exit(INVALID_INPUT);
    }
  }

  /**
   * Runs it.
   *
   * @return 0 if it came to its end, 2 if what was given cannot be used, 1 if it failed otherwise;
   *     the sentence is printed
   */
  int run() {
    try (JavaSparkContext spark = new JavaSparkContext(settings());
        OutputRelay relay = OutputRelay.open(spark.getConf().get("spark.driver.host"), out, err)) {
      return tries(spark, relay);
    } catch (IOException | RuntimeException e) {
      return refused(e);
    } catch (Exception e) { // Scala throws checked exceptions that Java's compiler does not see
      return refused(e);
    }
  }

  private int tries(JavaSparkContext spark, OutputRelay relay) throws Exception {
    for (int attempt = 0; ; attempt++) {
      Optional<RankFailure.Told> failure = attempt(spark, relay, attempt > 0);
      if (failure.isEmpty()) {
        return 0;
      }
      String what = failure.get().sentence();
      if (failure.get().code() == INVALID_INPUT) {
        say(what);
        return INVALID_INPUT;
      }
      if (attempt == request.restarts()) {
        say(
            what
                + "; started "
                + (attempt + 1)
                + (attempt == 0 ? " time" : " times")
                + ", --resume goes on from the last checkpoint");
        return FAILURE;
      }
      say(
          what
              + "; going on from the last checkpoint (restart "
              + (attempt + 1)
              + " of "
              + request.restarts()
              + ")");
    }
  }

  private Optional<RankFailure.Told> attempt(
      JavaSparkContext spark, OutputRelay relay, boolean goOn) throws Exception {
    RankTask task =
        new RankTask(
            request.command(goOn), Path.of("").toAbsolutePath(), request.port(), relay.address());
    ClassTag<Integer> integers = ClassTag$.MODULE$.apply(Integer.class);
    RDD<Integer> ranks =
        spark
            .parallelize(Collections.nCopies(request.processes(), 0), request.processes())
            .rdd()
            .barrier()
            .mapPartitions(task, false, integers);
    try {
      ranks.count();
      return Optional.empty();
    } catch (Exception e) {
      if (!(e instanceof SparkException) || tooSmall(e)) {
        throw e;
      }
      return Optional.of(
          RankFailure.in(String.valueOf(e.getMessage()))
              .orElseGet(() -> new RankFailure.Told(FAILURE, firstLine(e))));
    }
  }

  private int refused(Exception e) {
    if (tooSmall(e)) {
      say(
          "--spark "
              + request.master()
              + " has no "
              + request.processes()
              + " free places for tasks; give a cluster with as many free cores, or a smaller --nproc");
      return INVALID_INPUT;
    }
    boolean address = String.valueOf(e.getMessage()).contains("Could not parse Master URL");
    say("--spark " + request.master() + ": " + firstLine(e));
    return address ? INVALID_INPUT : FAILURE;
  }

  private static boolean tooSmall(Exception e) {
    return String.valueOf(e.getMessage()).matches("(?s).*(" + TOO_SMALL + ").*");
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
  }

  private void say(String sentence) {
    err.println("graft: " + sentence);
  }

  private SparkConf settings() {
    SparkConf settings =
        new SparkConf()
            .setMaster(request.master())
            .setAppName("graft")
            .set("spark.ui.enabled", "false")
            .set("spark.task.maxFailures", "1")
            .set("spark.cores.max", "" + request.processes())
            // Executors only start the ranks, whose memory is their own.
            .set("spark.executor.memory", "512m")
            // Half a minute for executors to come, rather than ten.
            .set("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
            .set("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "30");
    if (request.master().startsWith("local")) {
      settings.set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1");
    }
    Path own = own();
    if (Files.isRegularFile(own)) {
      settings.setJars(new String[] {own.toUri().toString()});
    }
    for (String name : List.of("OPT_OUT_TRACKING", "DJL_OFFLINE", "OMP_WAIT_POLICY", "LC_ALL")) {
      Optional.ofNullable(System.getenv(name)).ifPresent(v -> settings.setExecutorEnv(name, v));
    }
    for (Map.Entry<String, String> setting : request.settings().entrySet()) {
      settings.set(setting.getKey(), setting.getValue());
    }
    return settings;
  }

  /** The jar of this wing, which the executors fetch. */
  private static Path own() {
    return Path.of(SparkLaunch.class.getProtectionDomain().getCodeSource().getLocation().getPath());
  }
}
