package dev.graft.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shell commands in the place of ranks, in Spark's local mode. */
class SparkLaunchTest {
  @TempDir private Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int launch(String master, int processes, int restarts, String script) {
    LaunchRequest request =
        new LaunchRequest(
            master,
            processes,
            restarts,
            0,
            Map.of("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "1"),
            List.of("sh", "-c", script, "sh", directory.toString()));
    return new SparkLaunch(
            request,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8))
        .run();
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private String written(String name) throws IOException {
    return Files.readString(directory.resolve(name)).strip();
  }

  @Test
  void everyRankKnowsItsPlaceAndRankZeroSpeaks() throws IOException {
    String script =
        "echo said by $RANK; echo $LOCAL_RANK of $WORLD_SIZE at $MASTER_ADDR:$MASTER_PORT > $1/$RANK";
    assertEquals(0, launch("local[2]", 2, 0, script), this::err);
    assertEquals("said by 0\n", out());
    assertEquals("", err());
    String first = written("0");
    assertTrue(first.matches("0 of 2 at \\S+:\\d+"), first);
    assertEquals(first.replaceFirst("0", "1"), written("1"));
  }

  @Test
  void aRankThatIsKilledIsNamedAndTheRunGoesOn() throws IOException {
    // The first time rank 1 kills itself and rank 0 sleeps on; the second time all is well.
    String script =
        "test \"$2\" = --resume && exit; touch $1/$RANK; test $RANK = 1 && kill -9 $$; exec sleep 100";
    assertEquals(0, launch("local[2]", 2, 1, script), this::err);
    assertEquals(
        "graft: rank 1 of 2 was ended by signal 9; going on from the last checkpoint (restart 1 of 1)\n",
        err());
    assertTrue(Files.exists(directory.resolve("0")));
  }

  @Test
  void theOneThatFailedIsHeard() {
    String script = "test $RANK = 1 || exec sleep 100; echo graft: no such recipe >&2; exit 2";
    assertEquals(2, launch("local[2]", 2, 3, script));
    assertEquals("graft: rank 1 of 2 ended with 2, saying: no such recipe\n", err());
  }

  @Test
  void aClusterThatIsTooSmallIsRefused() {
    assertEquals(2, launch("local[1]", 2, 3, "true"));
    assertTrue(err().startsWith("graft: --spark local[1] has no 2 free places"), this::err);
  }

  @Test
  void anAddressOfNoClusterIsRefused() {
    assertEquals(2, launch("nowhere", 2, 3, "true"));
    assertTrue(err().contains("Could not parse Master URL"), this::err);
  }

  @Test
  void aRequestIsReadAsTheCommandLineWritesIt() {
    LaunchRequest request =
        LaunchRequest.parse("local[4]", "4", "3", "0", "spark.x=a=b", "--", "java", "-cp", "c");
    assertEquals(Map.of("spark.x", "a=b"), request.settings());
    assertEquals(List.of("java", "-cp", "c", "--resume"), request.command(true));
    assertThrows(
        IllegalArgumentException.class,
        () -> LaunchRequest.parse("local[4]", "4", "3", "0", "x", "--", "java"));
  }

  @Test
  void ranksAreNumberedHostByHost() {
    RankPlace place = RankPlace.of(2, "a 5", "b 6", "a 7", "b 8");
    assertEquals(new RankPlace(2, 4, 1, 2, "a", 5), place);
  }
}
