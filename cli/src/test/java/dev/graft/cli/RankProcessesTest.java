package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import dev.graft.decoder.Phase;
import dev.graft.layout.PeerLostException;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** Ranks that are real processes, started by rank 0 or by hand. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RankProcessesTest {
  private static final int[] TABLE = IntStream.range(0, 8).toArray();
  private static final int[] IDS = IntStream.range(0, 40).map(i -> (i * 37 + 11) % 512).toArray();

  private static RankOptions options(String... args) {
    return CommandLine.populateCommand(new RankOptions(), args);
  }

  private static Forward open(Checkpoint checkpoint, String... args) throws IOException {
    return options(args).open(checkpoint, DecoderOptions.of(TABLE.length).withThreads(2));
  }

  private static float[] logits(Forward forward, Phase phase) {
    return forward.step(List.of(new Chunk(IDS, 0, TABLE, phase, IDS.length)))[0];
  }

  @Test
  void processesComputeTheBitsOfThreadsAndAKilledOneEndsTheRequest() throws Exception {
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-skywork-moe-fp8"));
        Forward threads = open(checkpoint, "--shares", "3,1,2");
        Forward processes =
            open(checkpoint, "--tp", "3", "--shares", "3,1,2", "--launch", "processes")) {
      for (Phase phase : Phase.values()) {
        assertArrayEquals(logits(threads, phase), logits(processes, phase), "" + phase);
      }
      assertThrows(
          InvalidInputException.class,
          () -> processes.step(List.of(new Chunk(new int[] {512}, 0, TABLE, Phase.PREFILL, 1))));
      assertArrayEquals(logits(threads, Phase.DECODE), logits(processes, Phase.DECODE));

      long victim = ((RankProcesses) processes).processIds().get(1);
      ProcessHandle.of(victim).orElseThrow().destroyForcibly();
      PeerLostException lost =
          assertThrows(PeerLostException.class, () -> logits(processes, Phase.PREFILL));
      assertEquals("rank 2 of 3 was lost: its process was ended by signal 9", lost.getMessage());
      assertEquals(
          1, new ErrorReport(System.err).report(lost, false), "a failure, not the user's mistake");
    }
  }

  @Test
  void aFrozenRankIsGivenUpAfterTheTimeout() throws Exception {
    long frozen;
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-skywork-moe-fp8"));
        Forward processes =
            open(checkpoint, "--tp", "3", "--launch", "processes", "--rank-timeout", "15")) {
      logits(processes, Phase.PREFILL);
      frozen = ((RankProcesses) processes).processIds().getFirst();
      OwnProcess.signal("STOP", frozen);
      for (Phase phase : Phase.values()) {
        PeerLostException lost =
            assertThrows(PeerLostException.class, () -> logits(processes, phase));
        assertEquals("rank 1 of 3 was lost: it did not answer within 15 s", lost.getMessage());
      }
    }
    assertFalse(
        ProcessHandle.of(frozen).map(ProcessHandle::isAlive).orElse(false), "it is left behind");
  }

  @Test
  void ranksStartedByHandFindRankZeroByTheVariablesOfTorchrun() throws Exception {
    Path model = Shared.path("golden/tiny-mixtral");
    int port = freePort();
    ProcessBuilder rank =
        new ProcessBuilder(OwnProcess.command("rank", model.toString(), "--threads", "1"));
    rank.environment()
        .putAll(
            Map.of(
                "RANK",
                "1",
                "WORLD_SIZE",
                "2",
                "MASTER_ADDR",
                "127.0.0.1",
                "MASTER_PORT",
                "" + port));
    Process process = rank.redirectErrorStream(true).start();
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Forward threads = open(checkpoint, "--tp", "2")) {
      try (Forward hosts =
          open(checkpoint, "--tp", "2", "--launch", "hosts", "--master", "127.0.0.1:" + port)) {
        assertArrayEquals(logits(threads, Phase.PREFILL), logits(hosts, Phase.PREFILL));
      }
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, process.waitFor(), said);
    } finally {
      process.destroyForcibly();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void aRankThatCannotTakePartSaysWhyThroughRankZero() throws Exception {
    Path model = Shared.path("golden/tiny-mixtral");
    int port = freePort();
    List<String> command =
        OwnProcess.command(
            "rank",
            Shared.path("golden/tiny-skywork-moe").toString(),
            "--rank",
            "1",
            "--world",
            "2",
            "--master",
            "127.0.0.1:" + port);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      PeerLostException lost =
          assertThrows(
              PeerLostException.class,
              () ->
                  open(
                      checkpoint,
                      "--tp",
                      "2",
                      "--launch",
                      "hosts",
                      "--master",
                      "127.0.0.1:" + port));
      assertTrue(lost.getMessage().contains("is another model than rank 0's"), lost.getMessage());
      assertEquals(2, process.waitFor());
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void optionsThatDoNotGoTogetherAreRefused() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-mixtral"))) {
      refused(checkpoint, "--tp 5 is more ranks than the 4 query heads", "--tp", "5");
      refused(checkpoint, "--tp 5 is more", "--tp", "5", "--launch", "processes");
      refused(checkpoint, "names 2 ranks, but --tp is 3", "--tp", "3", "--shares", "1,2");
      refused(checkpoint, "needs --master HOST:PORT", "--tp", "2", "--launch", "hosts");
      refused(checkpoint, "--master goes with", "--tp", "2", "--master", "127.0.0.1:1");
      refused(
          checkpoint, "--master is 'here'", "--tp", "2", "--launch", "hosts", "--master", "here");
      refused(checkpoint, "--rank-timeout is 0", "--tp", "2", "--rank-timeout", "0");
    }
    Captured alone =
        Captured.run("rank", "nowhere", "--rank", "0", "--world", "2", "--master", "a:1");
    assertEquals(2, alone.code());
    assertTrue(alone.err().contains("ranks here are 1 to 1"), alone.err());
    Captured lost = Captured.run("rank", "nowhere", "--rank", "1", "--world", "2");
    assertEquals(2, lost.code());
    assertTrue(lost.err().contains("--master is missing"), lost.err());
  }

  private static void refused(Checkpoint checkpoint, String sentence, String... args) {
    InvalidInputException refusal =
        assertThrows(InvalidInputException.class, () -> open(checkpoint, args));
    assertTrue(refusal.getMessage().contains(sentence), refusal.getMessage());
  }
}
