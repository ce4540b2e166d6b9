package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code ./graft} from the shell. Runs after the jars are made, and never starts a build itself.
 */
class LauncherIT {
  private static final Path ROOT = Project.root();

  @TempDir Path folder;

  private record Ended(int code, String out, String err) {}

  private Ended run(Path launcher, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(args));
    return run(command);
  }

  private Ended run(List<String> command) throws IOException, InterruptedException {
    File out = Files.createTempFile(folder, "out", "").toFile();
    File err = Files.createTempFile(folder, "err", "").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out)
            .redirectError(err)
            .redirectInput(new File("/dev/null"));
    builder.environment().put("GRAFT_NO_BUILD", "1");
    Process process = builder.start();
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(command + " did not end; " + Files.readString(err.toPath()));
    }
    return new Ended(
        process.exitValue(), Files.readString(out.toPath()), Files.readString(err.toPath()));
  }

  @Test
  void helpSaysHowToUseIt() throws Exception {
    Ended help = run(ROOT.resolve("graft"), "--help");
    assertEquals("", help.err());
    assertEquals(0, help.code());
    assertTrue(help.out().startsWith("Usage: graft"), help.out());
  }

  @Test
  void anUnknownVerbExitsWith2AndWithoutAStackTrace() throws Exception {
    Ended unknown = run(ROOT.resolve("graft"), "frobnicate");
    assertEquals(2, unknown.code(), unknown.err());
    assertEquals("", unknown.out());
    assertTrue(unknown.err().startsWith("graft: "), unknown.err());
    assertEquals(1, unknown.err().lines().count(), unknown.err());
  }

  @Test
  void debugShowsTheStackTrace() throws Exception {
    Ended unknown = run(ROOT.resolve("graft"), "frobnicate", "--debug");
    assertEquals(2, unknown.code(), unknown.err());
    assertTrue(unknown.err().contains("\tat picocli."), unknown.err());
  }

  @Test
  void worksThroughASymbolicLinkInAFolderWithBlanks() throws Exception {
    Path there = Files.createDirectories(folder.resolve("a folder"));
    Path link = Files.createSymbolicLink(there.resolve("a graft"), ROOT.resolve("graft"));
    Ended version = run(link, "--version");
    assertEquals(0, version.code(), version.err());
    assertTrue(version.out().startsWith("graft "), version.out());
  }

  @Test
  void aReaderThatLeavesIsNoError() throws Exception {
    Ended piped =
        run(
            List.of(
                "bash",
                "-c",
                "\"$0\" --help | true; exit \"${PIPESTATUS[0]}\"",
                "" + ROOT.resolve("graft")));
    assertEquals("", piped.err());
    assertTrue(piped.code() == 0 || piped.code() == 141, "ended with " + piped.code());
  }

  @Test
  void aFullDiskUnderStandardOutputIsAFailure() throws Exception {
    Ended full =
        run(List.of("bash", "-c", "exec \"$0\" --help > /dev/full", "" + ROOT.resolve("graft")));
    assertEquals(1, full.code());
    assertTrue(full.err().contains("No space left"), full.err());
    assertFalse(full.err().contains("\tat "), full.err());
  }
}
