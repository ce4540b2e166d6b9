package dev.graft.sandbox;

import dev.graft.checkpoint.InvalidInputException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * Runs Python that nobody has read, such as what a model wrote for HumanEval, where it can do no
 * harm: in bubblewrap's namespaces (mounts, processes, network, IPC, host name, users), as another
 * user without capabilities, with the system's {@code /usr} to read and a small {@code /tmp} of its
 * own to write, without environment, under {@link Limits} and a filter of system calls. Everything
 * it started dies with it, and it with this process.
 *
 * <p>Run by root, bubblewrap is started as {@code nobody}: root mapped to another user inside is
 * still root to the kernel, which counts no processes of root and lets it read every file.
 */
public final class Sandbox implements AutoCloseable {
  private static final String NOBODY = "65534";
  private static final String PYTHON = "/usr/bin/python3";
  private static final int DETAIL_CHARACTERS = 300;

  /** How bubblewrap and prlimit report that the limit on processor time struck: 128 + SIGXCPU. */
  private static final int EXIT_OUT_OF_CPU = 128 + 24;

  /**
   * Reads a password and a program, runs the program and only then prints the password. An exit
   * code would not do: the program could leave with 0 before its tests ran. The globals are empty,
   * as lm-eval's {@code code_eval} has them.
   */
  private static final String DRIVER =
      """
      import os, sys
      password, program = sys.stdin.buffer.read().decode("utf-8").split("\\n", 1)
      exec(compile(program, "<program>", "exec"), {})
      sys.stdout.flush()
      sys.stderr.flush()
      os.write(1, ("\\n" + password).encode())
      os._exit(0)
      """;

  private final Limits limits;
  private final String tag = "graft-sandbox-" + UUID.randomUUID();
  private final Path folder;
  private final Path filter;
  private final List<String> command;

  private Sandbox(Limits limits, List<String> command, Path folder) throws IOException {
    this.limits = limits;
    this.folder = folder;
    this.filter = Files.write(folder.resolve("filter"), SystemCalls.filter());
    this.command = command;
  }

  /**
   * Makes a sandbox and tries it.
   *
   * @throws InvalidInputException where none can be made here; the message says what to install
   * @throws IOException where the temporary folder cannot be written
   */
  public static Sandbox open(Limits limits) throws IOException {
    return open(limits, System.getenv("PATH"));
  }

  static Sandbox open(Limits limits, String path) throws IOException {
    boolean root = Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    List<String> command = new ArrayList<>();
    if (root) {
      command.add(tool("setpriv", "util-linux", path));
      command.addAll(
          List.of("--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--no-new-privs"));
    }
    command.add(tool("bwrap", "bubblewrap", path));
    if (!Files.isExecutable(Path.of(PYTHON))) {
      throw refused(PYTHON + " is not there", "install python3");
    }
    if (!Files.isExecutable(Path.of("/usr/bin/prlimit"))) {
      throw refused("/usr/bin/prlimit is not there", "install util-linux");
    }
    command.addAll(arguments(limits));
    Sandbox sandbox = new Sandbox(limits, command, Files.createTempDirectory("graft-sandbox"));
    try {
      Outcome outcome = sandbox.run("");
      if (!outcome.passed()) {
        throw refused(
            "bubblewrap failed (%s)".formatted(outcome.detail()),
            "install bubblewrap 0.8 or newer and allow user namespaces (sysctl"
                + " user.max_user_namespaces, kernel.unprivileged_userns_clone)");
      }
    } catch (IOException | RuntimeException e) {
      sandbox.close();
      throw e;
    }
    return sandbox;
  }

  private static InvalidInputException refused(String reason, String remedy) {
    return new InvalidInputException(
        "generated code is only run in a sandbox, and none can be made: %s; %s, or leave out the"
                .formatted(reason, remedy)
            + " tasks that run code");
  }

  private static String tool(String name, String debianPackage, String path) {
    return Stream.of(path.split(File.pathSeparator))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() ->
            refused(
                name + " is not on the PATH",
                "install it (Debian: apt-get install %s)".formatted(debianPackage)))
        .toString();
  }

  private static List<String> arguments(Limits limits) {
    List<String> arguments = new ArrayList<>();
    add(arguments, "--unshare-all --unshare-user --disable-userns --uid 65534 --gid 65534");
    add(arguments, "--hostname sandbox --new-session --die-with-parent --cap-drop ALL");
    add(arguments, "--clearenv --setenv PATH /usr/bin --setenv HOME /tmp");
    add(arguments, "--ro-bind /usr /usr --symlink usr/bin /bin");
    add(arguments, "--symlink usr/lib /lib --symlink usr/lib64 /lib64");
    // Not --dev: it brings a /dev/shm without a limit.
    add(arguments, "--size 4096 --tmpfs /dev --dev-bind /dev/null /dev/null");
    add(arguments, "--dev-bind /dev/urandom /dev/urandom --remount-ro /dev");
    add(arguments, "--proc /proc --size " + limits.diskBytes() + " --tmpfs /tmp --chdir /tmp");
    add(arguments, "--remount-ro / --seccomp 9 --");
    add(arguments, "/usr/bin/prlimit --core=0 --nofile=64 --nproc=" + limits.processes());
    add(arguments, "--as=" + limits.memoryBytes() + " --fsize=" + limits.fileBytes());
    add(arguments, "--cpu=" + limits.cpuSeconds() + ":" + (limits.cpuSeconds() + 1));
    add(arguments, PYTHON + " -I -B -X utf8 -c");
    arguments.add(DRIVER);
    return arguments;
  }

  private static void add(List<String> arguments, String words) {
    arguments.addAll(List.of(words.split(" ", -1)));
  }

  /** Stands on the command line of every process of this sandbox. */
  String tag() {
    return tag;
  }

  /**
   * Runs one program and waits for its end. Several threads may run programs at once.
   *
   * @throws IOException where it could not be started
   */
  public Outcome run(String program) throws IOException {
    String password = UUID.randomUUID().toString();
    Path input = Files.createTempFile(folder, "program", ".py");
    try {
      Files.writeString(input, password + "\n" + program);
      // A shell, since ProcessBuilder passes on no open file but the standard three.
      List<String> line =
          new ArrayList<>(List.of("/bin/sh", "-c", "exec \"$@\" 9<\"$0\"", filter.toString()));
      line.addAll(command);
      line.add(tag);
      Process process =
          new ProcessBuilder(line)
              .directory(new File("/"))
              .redirectInput(input.toFile())
              .redirectErrorStream(true)
              .start();
      return outcome(process, password);
    } finally {
      Files.delete(input);
    }
  }

  private Outcome outcome(Process process, String password) throws IOException {
    ProcessHandle handle = process.toHandle(); // unlike the process, it leaves the pipe open
    AtomicBoolean late = new AtomicBoolean();
    Thread clock =
        Thread.ofVirtual()
            .start(() -> {
              try {
                if (!process.waitFor(limits.wall().toMillis(), TimeUnit.MILLISECONDS)) {
                  late.set(true);
                  handle.destroyForcibly();
                }
              } catch (InterruptedException e) {
                handle.destroyForcibly();
              }
            });
    try (InputStream output = process.getInputStream()) {
      byte[] said = output.readNBytes(Math.toIntExact(limits.outputBytes() + 1));
      if (said.length > limits.outputBytes()) {
        handle.destroyForcibly();
      }
      int exit = process.waitFor();
      clock.join();
      if (said.length > limits.outputBytes()) {
        return new Outcome(
            Outcome.Verdict.TOO_MUCH_OUTPUT,
            "printed more than %d bytes".formatted(limits.outputBytes()));
      }
      if (late.get()) {
        return new Outcome(
            Outcome.Verdict.TIMED_OUT,
            "took longer than %.1f s".formatted(limits.wall().toMillis() / 1e3));
      }
      if (exit == EXIT_OUT_OF_CPU) {
        return new Outcome(
            Outcome.Verdict.TIMED_OUT,
            "used more than %d s of the processor".formatted(limits.cpuSeconds()));
      }
      String text = new String(said, StandardCharsets.UTF_8);
      return exit == 0 && text.endsWith("\n" + password)
          ? new Outcome(Outcome.Verdict.PASSED, "")
          : new Outcome(Outcome.Verdict.FAILED, detail(text, exit));
    } catch (InterruptedException e) {
      handle.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("a sandboxed program was interrupted", e);
    } finally {
      clock.interrupt();
    }
  }

  /** The last line that was printed, which is where Python names an exception. */
  private static String detail(String text, int exit) {
    List<String> lines = text.strip().lines().toList();
    String last = lines.isEmpty() ? "" : lines.getLast().strip();
    return last.isEmpty()
        ? "ended early with exit code " + exit
        : last.substring(0, Math.min(DETAIL_CHARACTERS, last.length()));
  }

  /** Deletes the temporary folder. Programs must have ended. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(filter);
    Files.deleteIfExists(folder);
  }
}
