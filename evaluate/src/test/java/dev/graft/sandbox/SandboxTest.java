package dev.graft.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.Shared;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Programs that mean harm, run in the sandbox: each is contained, and the machine is as before. */
class SandboxTest {
  private static Sandbox standard;

  @TempDir Path folder;

  private static Sandbox open(Limits limits) throws IOException {
    try {
      return Sandbox.open(limits);
    } catch (InvalidInputException e) {
      Assumptions.abort("SKIPPED: " + e.getMessage() + "; scripts/sandbox installs it");
      throw e;
    }
  }

  @BeforeAll
  static void openTheStandardOne() throws IOException {
    standard = open(Limits.standard());
  }

  @AfterAll
  static void closeIt() throws IOException {
    if (standard != null) {
      standard.close();
    }
  }

  private static Outcome run(String program) throws IOException {
    return run(standard, program);
  }

  private static Outcome run(Limits limits, String program) throws IOException {
    try (Sandbox sandbox = open(limits)) {
      return run(sandbox, program);
    }
  }

  /** Runs it and checks that nothing it started is left. */
  private static Outcome run(Sandbox sandbox, String program) throws IOException {
    Outcome outcome = sandbox.run(program);
    awaitNothingLeft(sandbox.tag());
    return outcome;
  }

  private static Stream<ProcessHandle> processes(String tag) {
    return ProcessHandle.allProcesses()
        .filter(
            process -> process.info().commandLine().filter(line -> line.contains(tag)).isPresent());
  }

  private static void awaitNothingLeft(String tag) {
    // The kernel ends a namespace's processes at once, but may need a moment to clear them away.
    await(() -> processes(tag).findAny().isEmpty());
    assertEquals(0, processes(tag).count());
  }

  /** For two seconds at most. */
  private static void await(BooleanSupplier condition) {
    for (int i = 0; i < 100 && !condition.getAsBoolean(); i++) {
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static void assertFails(String expected, String program) throws IOException {
    Outcome outcome = run(program);
    assertEquals(Outcome.Verdict.FAILED, outcome.verdict(), outcome::detail);
    assertTrue(outcome.detail().contains(expected), outcome::detail);
  }

  private static void assertPasses(String program) throws IOException {
    assertEquals(new Outcome(Outcome.Verdict.PASSED, ""), run(program));
  }

  @Test
  void aProgramPassesWhenItEndsAndFailsWhenItRaises() throws IOException {
    assertPasses("def f(x):\n  return x + 1\n\nassert f(1) == 2\nprint('noise')");
    assertFails("AssertionError: two", "assert 1 == 2, 'two'");
    assertFails("SyntaxError", "def f(:");
  }

  @Test
  void aProgramDiesWithTheProcessThatRunsIt() throws Exception {
    Process host =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                SandboxHost.class.getName(),
                "import os\nos.fork()\nwhile True: pass")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said = host.inputReader(StandardCharsets.UTF_8)) {
      String tag = said.readLine();
      assertTrue(tag != null && tag.startsWith("graft-sandbox-"), tag);
      // bubblewrap's two, the program and its child; the shell and setpriv became bubblewrap.
      await(() -> processes(tag).count() >= 4);
      assertTrue(processes(tag).count() >= 4, "it runs");
      host.destroyForcibly().waitFor();
      awaitNothingLeft(tag);
    } finally {
      host.destroyForcibly();
    }
  }

  @Test
  void leavingBeforeTheTestsIsNoPass() throws IOException {
    assertFails("ended early with exit code 0", "import sys\nsys.exit(0)");
    assertFails("ended early with exit code 0", "import os\nos._exit(0)");
  }

  @Test
  void humanEvalsOwnSolutionsPass() throws IOException {
    Path file = Shared.path("data/eval/humaneval/HumanEval.jsonl");
    int every = 20; // a sample; all 164 pass
    for (int i = 0; i < 164; i += every) {
      JsonNode problem = JsonMapper.shared().readTree(Files.readAllLines(file).get(i));
      String tests =
          problem.get("test").asString() + "\ncheck(" + problem.get("entry_point").asString() + ")";
      String prompt = problem.get("prompt").asString();
      Outcome right = run(prompt + problem.get("canonical_solution").asString() + "\n" + tests);
      assertTrue(right.passed(), right::detail);
      Outcome wrong = run(prompt + "    return 'no'\n" + tests);
      assertEquals(Outcome.Verdict.FAILED, wrong.verdict(), prompt);
    }
  }

  @Test
  void aForkBombIsHeldAndKilled() throws IOException {
    assertFails(
        "BlockingIOError",
        """
        import os, time
        for i in range(100):
          if os.fork() == 0:
            time.sleep(60)
        """);
    Limits limits = Limits.standard().withWall(Duration.ofSeconds(3)).withCpuSeconds(60);
    Outcome bomb =
        run(
            limits,
            """
            import os
            while True:
              try:
                os.fork()
              except OSError:
                pass
            """);
    assertEquals(Outcome.Verdict.TIMED_OUT, bomb.verdict(), bomb::detail);
  }

  @Test
  void aBombOfThreadsIsHeld() throws IOException {
    assertFails(
        "can't start new thread",
        """
        import threading, time
        for i in range(100):
          threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """);
  }

  @Test
  void anInfiniteLoopEnds() throws IOException {
    Outcome outcome = run(Limits.standard().withCpuSeconds(1), "while True: pass");
    assertEquals(
        new Outcome(Outcome.Verdict.TIMED_OUT, "used more than 1 s of the processor"), outcome);
  }

  @Test
  void aLoopThatIgnoresTheSignalEndsAsWell() throws IOException {
    Outcome outcome =
        run(
            Limits.standard().withCpuSeconds(1),
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass");
    assertFalse(outcome.passed());
  }

  @Test
  void sleepingEnds() throws IOException {
    Outcome outcome =
        run(Limits.standard().withWall(Duration.ofSeconds(2)), "import time\ntime.sleep(3600)");
    assertEquals(new Outcome(Outcome.Verdict.TIMED_OUT, "took longer than 2.0 s"), outcome);
  }

  @Test
  void whatOutlivesTheProgramIsKilled() throws IOException {
    assertPasses("import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(3600)");
  }

  @Test
  void aMemoryBombEnds() throws IOException {
    assertFails("MemoryError", "x = bytearray(1)\nwhile True: x = x * 2");
    assertFails("MemoryError", "x = []\nwhile True: x.append(bytearray(1 << 22))");
  }

  @Test
  void memoryThatNoProcessIsChargedForIsRefused() throws IOException {
    assertFails("PermissionError", "import os\nos.memfd_create('x')");
    assertFails(
        "PermissionError",
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.shmget(0, 1 << 20, 0o1600) < 0:
          raise OSError(ctypes.get_errno(), 'shmget')
        """);
  }

  @Test
  void aDiskFillerFindsLittleDisk() throws IOException {
    assertFails(
        "File too large", "with open('/tmp/x', 'wb') as f:\n  while True: f.write(bytes(1 << 20))");
    assertFails(
        "No space left",
        """
        for i in range(1000):
          with open('/tmp/%d' % i, 'wb') as f:
            f.write(bytes(4 << 20))
        """);
  }

  @Test
  void nothingElseCanBeWritten() throws IOException {
    assertPasses(
        """
        import os
        for place in ['/', '/usr', '/usr/bin', '/usr/lib', '/dev', '/dev/shm', '/proc', '/proc/sys/kernel', '/etc', '/var/tmp', '/root', '/home']:
          try:
            with open(os.path.join(place, 'graft-was-here'), 'w'):
              raise AssertionError(place)
          except OSError:
            pass
        """);
    assertFalse(Files.exists(Path.of("/usr/bin/graft-was-here")));
  }

  @Test
  void filesOutsideAreNeitherReadNorDeleted() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret.txt"), "secret");
    assertFails("FileNotFoundError", "open('%s').read()".formatted(secret));
    assertFails("FileNotFoundError", "import os\nos.remove('%s')".formatted(secret));
    assertFails("FileNotFoundError", "import shutil\nshutil.rmtree('%s')".formatted(folder));
    assertFails("Read-only file system", "import os\nos.remove('/usr/bin/env')");
    assertPasses("import shutil\nshutil.rmtree('/usr/bin', ignore_errors=True)");
    assertPasses(
        """
        import os
        for file in ['/etc/passwd', '/root', '/home', '/sys', '/var', '%s']:
          assert not os.path.exists(file), file
        """
            .formatted(System.getProperty("user.home")));
    assertEquals("secret", Files.readString(secret));
    assertTrue(Files.exists(Path.of("/usr/bin/env")));
  }

  @Test
  void theNetworkIsNotThere() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      assertFails(
          "ConnectionRefusedError",
          "import socket\nsocket.create_connection(('127.0.0.1', %d), 5)"
              .formatted(server.getLocalPort()));
      server.setSoTimeout(200);
      assertThrows(SocketTimeoutException.class, server::accept);
    }
    assertFails(
        "Network is unreachable",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))");
    assertPasses("import socket\nassert socket.gethostname() == 'sandbox'");
  }

  @Test
  void aFloodOfOutputIsCutOff() throws IOException {
    Outcome outcome = run("while True: print('x' * 1000)");
    assertEquals(
        new Outcome(Outcome.Verdict.TOO_MUCH_OUTPUT, "printed more than 1048576 bytes"), outcome);
  }

  @Test
  void otherProcessesAreOutOfReach() throws IOException {
    Process bystander = new ProcessBuilder("sleep", "600").start();
    try {
      assertFails("ProcessLookupError", "import os\nos.kill(%d, 9)".formatted(bystander.pid()));
      run("import os\nos.kill(-1, 9)");
      run("import os\nos.kill(0, 9)");
      run("import os\nos.kill(os.getppid(), 9)");
      assertPasses(
          "import os\nassert all(int(p) < 10 for p in os.listdir('/proc') if p.isdigit())");
      assertTrue(bystander.isAlive());
    } finally {
      bystander.destroyForcibly();
    }
  }

  @Test
  void theProgramIsNobodyWithoutPowers() throws IOException {
    assertPasses(
        """
        import os
        assert (os.getuid(), os.geteuid(), os.getgid()) == (65534, 65534, 65534), os.getresuid()
        status = dict(l.split(':', 1) for l in open('/proc/self/status').read().splitlines())
        for key in ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']:
          assert int(status[key], 16) == 0, key
        assert status['NoNewPrivs'].strip() == '1'
        assert status['Seccomp'].strip() == '2'
        assert set(os.environ) <= {'PATH', 'HOME', 'PWD', 'LC_CTYPE'}, list(os.environ)
        """);
    assertFails("Invalid argument", "import os\nos.setuid(0)"); // there is no user 0
    assertFails(
        "PermissionError",
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x10000000) < 0:
          raise OSError(ctypes.get_errno(), 'unshare')
        """);
    // fork(2) with a namespace of its own, which asks for no call that is refused by name
    assertFails(
        "OSError",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        pid = libc.syscall(56, 0x10000011, 0, 0, 0, 0)
        if pid == 0:
          os._exit(0)
        if pid < 0:
          raise OSError(ctypes.get_errno(), 'clone')
        """);
  }

  @Test
  void rootIsNotRootToTheKernelEither() throws Exception {
    CompletableFuture<Outcome> running =
        CompletableFuture.supplyAsync(() -> {
          try {
            return standard.run("import time\ntime.sleep(2)");
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });
    Set<String> users = Set.of();
    while (!running.isDone() && users.isEmpty()) {
      users =
          processes(standard.tag())
              .filter(
                  process -> process.info().command().filter(c -> c.contains("python")).isPresent())
              .flatMap(process -> process.info().user().stream())
              .collect(Collectors.toSet());
      Thread.sleep(20);
    }
    String user = System.getProperty("user.name");
    assertEquals(Set.of(user.equals("root") ? "nobody" : user), users);
    assertTrue(running.get().passed());
  }

  @Test
  void whereNoSandboxCanBeMadeNothingIsRun() {
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class, () -> Sandbox.open(Limits.standard(), folder.toString()));
    assertTrue(refused.getMessage().contains("apt-get install"), refused::getMessage);
  }
}
