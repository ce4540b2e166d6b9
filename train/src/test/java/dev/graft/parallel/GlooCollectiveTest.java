package dev.graft.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real processes on the loopback; this one is rank 0. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class GlooCollectiveTest {
  private static final Duration PATIENT = Duration.ofSeconds(100);
  private static final Duration SHORT = Duration.ofSeconds(15);

  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void endProcesses() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void allRanksGetTheSumsOfOneLoopBitForBit() throws Exception {
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, PATIENT)) {
      BufferedReader one = start(rendezvous, 1, 3, "exchange");
      BufferedReader two = start(rendezvous, 2, 3, "exchange");
      try (Collective group = rendezvous.join(0, 3)) {
        assertEquals(0, group.rank());
        assertEquals(3, group.size());
        String expected = GlooRank.expectedExchange(3);
        assertEquals(expected, GlooRank.play(group, "exchange"));
        assertEquals("result " + expected, one.readLine());
        assertEquals("result " + expected, two.readLine());
      }
    }
  }

  @Test
  void aKilledRankIsNamedByAllThatAreLeft() throws Exception {
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, PATIENT)) {
      BufferedReader one = start(rendezvous, 1, 3, "work");
      BufferedReader two = start(rendezvous, 2, 3, "work");
      try (Collective group = rendezvous.join(0, 3)) {
        Thread killer = Thread.ofPlatform().start(() -> killWhenWorking(one, started.get(0)));
        PeerLostException lost =
            assertThrows(PeerLostException.class, () -> GlooRank.play(group, "work"));
        assertEquals("rank 1 of 3 was lost: its connection was closed", lost.getMessage());
        assertEquals("working", two.readLine());
        assertEquals("lost 1: " + lost.getMessage(), two.readLine());
        killer.join();
        PeerLostException again = assertThrows(PeerLostException.class, group::barrier);
        assertEquals(lost.getMessage(), again.getMessage());
      }
    }
  }

  private static void killWhenWorking(BufferedReader output, Process process) {
    try {
      assertEquals("working", output.readLine());
      process.destroyForcibly();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aFrozenRankIsNamedAfterTheTimeout() throws Exception {
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, SHORT)) {
      BufferedReader one = start(rendezvous, 1, 3, "work");
      BufferedReader two = start(rendezvous, 2, 3, "work");
      try (Collective group = rendezvous.join(0, 3)) {
        Thread.ofPlatform().start(() -> freezeWhenWorking(two, started.get(1)));
        PeerLostException lost =
            assertThrows(PeerLostException.class, () -> GlooRank.play(group, "work"));
        assertEquals("rank 2 of 3 was lost: it did not answer within 15 s", lost.getMessage());
        assertEquals("working", one.readLine());
        assertEquals("lost 2: " + lost.getMessage(), one.readLine());
      }
    }
  }

  private static void freezeWhenWorking(BufferedReader output, Process process) {
    try {
      assertEquals("working", output.readLine());
      assertEquals(0, new ProcessBuilder("kill", "-STOP", "" + process.pid()).start().waitFor());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRankThatGivesUpSaysWhy() throws Exception {
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, PATIENT)) {
      BufferedReader one = start(rendezvous, 1, 2, "abort");
      try (Collective group = rendezvous.join(0, 2)) {
        PeerLostException lost =
            assertThrows(PeerLostException.class, () -> GlooRank.play(group, "abort"));
        assertEquals("rank 1 of 2 was lost: it failed: disk full", lost.getMessage());
        assertEquals("working", one.readLine());
        assertEquals("result gave up", one.readLine());
      }
    }
  }

  /** A rank that waits for the next request has no timeout, yet ends with rank 0. */
  @Test
  void waitingForRankZeroEndsWhenItLeaves() throws Exception {
    BufferedReader one;
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, SHORT)) {
      one = start(rendezvous, 1, 2, "idle");
      try (Collective group = rendezvous.join(0, 2)) {
        group.barrier();
      }
      assertEquals("lost 0: rank 0 of 2 was lost: it has left the group", one.readLine());
    }
  }

  @Test
  void aRankThatNeverComesIsNamed() throws Exception {
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, Duration.ofMillis(200))) {
      PeerLostException lost = assertThrows(PeerLostException.class, () -> rendezvous.join(0, 2));
      assertEquals(1, lost.rank());
      assertTrue(
          lost.getMessage()
              .endsWith("did not come to 127.0.0.1:" + rendezvous.port() + " within 200 ms"),
          lost.getMessage());
    }
  }

  @Test
  void anAddressThatCannotBeUsedIsNamed() throws Exception {
    int port;
    try (Rendezvous rendezvous = Rendezvous.serve("127.0.0.1", 0, SHORT)) {
      port = rendezvous.port();
      String taken =
          assertThrows(IOException.class, () -> Rendezvous.serve("127.0.0.1", port, SHORT))
              .getMessage();
      assertTrue(taken.contains("127.0.0.1:" + port) && taken.contains("port that is free"), taken);
    }
    String silent =
        assertThrows(
                IOException.class,
                () -> Rendezvous.connect("127.0.0.1", port, Duration.ofMillis(300)))
            .getMessage();
    assertTrue(silent.startsWith("there was no answer from rank 0 at 127.0.0.1:"), silent);
  }

  private BufferedReader start(Rendezvous rendezvous, int rank, int size, String scenario)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("--sun-misc-unsafe-memory-access=allow", "-XX:TieredStopAtLevel=1"));
    command.add("-Dorg.bytedeco.javacpp.nopointergc=true");
    command.add("-Dorg.bytedeco.openblas.load=mkl_rt");
    String surefire = System.getProperty("surefire.test.class.path");
    command.addAll(
        List.of("-cp", surefire == null ? System.getProperty("java.class.path") : surefire));
    command.add(GlooRank.class.getName());
    long timeout = (scenario.equals("work") ? SHORT : PATIENT).toMillis();
    for (Object argument : List.of(rendezvous.port(), rank, size, timeout, scenario)) {
      command.add(argument.toString());
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    started.add(process);
    return process.inputReader(StandardCharsets.UTF_8);
  }
}
